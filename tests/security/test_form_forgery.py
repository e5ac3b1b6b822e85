"""Cross-site request forgery by forms, and login CSRF: another site posts a form of a page."""

import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.pages.html.controller import PAGE
from tests.support.app import SECRET, RunningApp, is_signed_in, settings_for

SOMETHING = "01890000-0000-7000-8000-000000000000"
# Every page that takes a form, with values for the parameters of its path.
FORMS = sorted(
    route.path_format.format(**dict.fromkeys(route.path_parameters, SOMETHING))
    for route in build(settings_for("postgresql:///unused")).routes
    if isinstance(route, HTTPRoute) and "POST" in route.methods
    for handler in [route.route_handler_map["POST"][0]]
    if handler.opt.get(PAGE)
)
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://localhost:8000"},
    {"Origin": "http://localhost:8001"},
    {"Origin": "http://localhost:8000.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "none", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
)
FORM = {"email": "ada@example.org", "secret": SECRET, "code": "12345678", "token": f"osk_{'a' * 43}", "name": "Eve"}


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", FORMS)
async def test_a_form_of_another_site_is_refused_with_a_session_and_without(
    app: RunningApp, path: str, headers: dict[str, str]
) -> None:
    signed_in, stranger = await app.signed_in(), app.client()
    for browser in (signed_in, stranger):
        del browser.headers["Origin"]
        answer = await browser.post(path, data=FORM, headers=headers)
        assert answer.status_code == 403
        assert "This was refused, because it came from another website." in answer.text
        assert "set-cookie" not in answer.headers
    assert await is_signed_in(signed_in)
    assert not await is_signed_in(stranger)


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "multipart/form-data; boundary=x", ""])
async def test_a_body_that_is_no_form_is_refused(app: RunningApp, path: str, media_type: str) -> None:
    browser = await app.signed_in(onboarded=False)
    before = await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions")
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await browser.post(path, content=b'{"email":"ada@example.org"}', headers=headers)
    # A page that reads no body ignores one, and leads on.
    assert answer.status_code in (415, 303, 403)
    if path != "/sign-out":
        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == before


@pytest.mark.parametrize("path", ["/api/session", "//api/session", "///api//session", "/api/keys", "/api/keys/redeem"])
async def test_no_route_of_the_api_takes_a_form(app: RunningApp, path: str) -> None:
    await app.user()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f'{{"method":"password","email":"ada@example.org","secret":"{SECRET}"}}'.encode()
    answer = await app.client().post(f"http://127.0.0.1:8000{path}", content=body, headers=headers)
    assert answer.status_code == 415
    assert "set-cookie" not in answer.headers


async def test_every_page_with_a_form_is_tested() -> None:
    assert {"/sign-in", "/code", "/redeem", "/reset", "/onboarding", "/sign-out"} <= {*FORMS}
