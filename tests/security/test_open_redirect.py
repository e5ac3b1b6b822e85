"""Open redirect: a link to the sign-in of the service leads on to a page of an attacker."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.support.app import SECRET, RunningApp, running, settings_for
from tests.support.pages import FORM_HEADERS, browser_at, links_of

APP, OTHER = "https://app.example.org", "https://other.example.org"
EVIL = (
    "https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example/%2f..",
    "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/%5Cevil.example", "https:evil.example",
    "https:/evil.example", "https:///evil.example", "http:\\\\evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "file:///etc/passwd", "ftp://app.example.org/",
    "blob:https://app.example.org/1", "about:blank", "view-source:https://app.example.org",
    f"{APP}.evil.example/", f"{APP}@evil.example/", f"{APP}:443@evil.example/", f"{APP}%40evil.example",
    f"{APP}%2eevil.example", f"{APP}\\@evil.example", f"{APP}\\.evil.example", f"{APP};evil.example",
    f"{APP},evil.example", f"{APP} .evil.example", f"{APP}\t.evil.example", f"{APP}\r\nLocation: https://evil.example",
    f"{APP}\0.evil.example", f"{APP}:8443/", f"{APP}:0/", f"{APP}:99999/", f"{APP}:/", "https://app.example.orgevil",
    "http://app.example.org/", "https://APP.example.org@evil.example", "https://evil.example#@app.example.org",
    "https://evil.example?https://app.example.org", "https://evil.example\\.app.example.org",
    "https://evil.example/app.example.org", "https://user:pw@app.example.org/", "https://xapp.example.org/",
    "https://example.org/", "https://sub.app.example.org/", "https://app.example.org./", "https://\u0430pp.example.org/",
    "https://app.example.org\u3002evil.example/", "https://app\uff61example.org/", "https://[::1]/", "https://[::1",
    "https://127.1/", "http://127.0.0.1:8001/", "http://localhost:8000.evil.example/", "http://localhost:8000@evil.example",
    "http://localhost", "https://localhost:8000/", "//localhost:8000/", "/account", "account", "?next=https://evil.example",
    "#https://evil.example", ".", "..", "", "null", "undefined", "https://", "http://", ":", "@", "x" * 5000,
    f"{APP}/{'a' * 3000}é",
)  # fmt: skip
ACCEPTED = (
    APP, f"{APP}/", f"{APP}/deep/page?a=1&b=2#part", f"{APP}?a", f"{APP}#a", OTHER, f"{OTHER}/x",
    "http://localhost:8000/denied", "http://127.0.0.1:8000/account", f"{APP}/?next=https://evil.example",
    f"{APP}//evil.example",
)  # fmt: skip
ENTRIES = ("/sign-in", "/sign-up")


@pytest.fixture
async def service(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A service of which one application is an allowed origin, and another one is where people go."""
    environ = {"APP_URL": f"{OTHER}/start", "ALLOWED_ORIGINS": APP}
    async with running(settings_for(database_url, **environ), app.clock) as service:
        yield service


async def leads_to(service: RunningApp, entry: str, return_to: str) -> str:
    """Where a person is sent who follows a link to `entry` and signs in."""
    browser = browser_at(service)
    page = await browser.get(f"{entry}?return_to={quote(return_to, safe='')}")
    assert page.status_code in (200, 400, 422)
    form = {"email": "ada@example.org", "secret": SECRET}
    answer = await browser.post("/sign-in", data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize("return_to", EVIL)
async def test_nobody_is_led_to_another_origin(service: RunningApp, return_to: str) -> None:
    await service.user()
    for entry in ENTRIES:
        assert await leads_to(service, entry, return_to) == f"{OTHER}/start"


@pytest.mark.parametrize("return_to", EVIL)
async def test_no_link_of_a_page_leads_to_another_origin(service: RunningApp, return_to: str) -> None:
    browser = await service.signed_in()
    page = await browser.get(f"/sign-in?return_to={quote(return_to, safe='')}")
    if page.status_code == 200:
        foreign = [link for link in links_of(page) if not link.startswith("/") or link.startswith(("//", "/\\"))]
        assert set(foreign) <= {"#main", "data:,", f"{OTHER}/start"}


@pytest.mark.parametrize("return_to", ACCEPTED)
async def test_pages_of_accepted_origins_are_led_to_as_they_are(service: RunningApp, return_to: str) -> None:
    await service.user()
    expected = f"{OTHER}/start" if return_to == OTHER else return_to
    for entry in ENTRIES:
        assert await leads_to(service, entry, return_to) == expected


async def test_a_completed_profile_leads_to_accepted_pages_alone(service: RunningApp) -> None:
    for number, return_to in enumerate((*ACCEPTED, *EVIL)):
        browser = await service.signed_in(f"user{number}@example.org", onboarded=False)
        await browser.get(f"/onboarding?return_to={quote(return_to, safe='')}")
        answer = await browser.post("/onboarding", data={"name": "Ada"}, headers=FORM_HEADERS)
        accepted = return_to in ACCEPTED and return_to != OTHER
        assert answer.headers["location"] == (return_to if accepted else f"{OTHER}/start")


async def test_a_forged_state_leads_nowhere(service: RunningApp) -> None:
    await service.user()
    browser = browser_at(service)
    for forged in ("", "x", "gAAAAA", '{"type":"page","return_to":"https://evil.example"}', "A" * 4000):
        browser.cookies.set("auth_page", forged, domain="127.0.0.1", path="/")
        answer = await browser.post("/sign-in", data={"email": "ada@example.org", "secret": SECRET})
        assert answer.headers["location"] == f"{OTHER}/start"


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:8000.evil.example", "evil.example:8000", "app.example.org"]
)
async def test_the_way_back_to_a_page_ignores_a_forged_host(app: RunningApp, host: str) -> None:
    answer = await browser_at(app).get("/onboarding?a=1", headers={"Host": host})
    expected = quote("http://localhost:8000/onboarding?a=1", safe="")
    # A malformed Host is refused before a page is looked for.
    assert answer.status_code == 400 or answer.headers["location"] == f"/sign-in?return_to={expected}"
