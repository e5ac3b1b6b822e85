"""Host header injection: links, Location and cookies are built from the host that the request names."""

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import create_user_with_link
from tests.support.app import CREDENTIALS, RunningApp, problem
from tests.support.mailbox import ask, text_of

EVIL = "evil.example"
FORGED_HEADERS = (
    {"Host": EVIL},
    {"Host": f"{EVIL}:8000"},
    {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"},
    {"Forwarded": f"host={EVIL};proto=https"},
    {"X-Original-Host": EVIL, "X-Host": EVIL, "X-Forwarded-Server": EVIL, "X-HTTP-Host-Override": EVIL},
)


@pytest.mark.parametrize("headers", FORGED_HEADERS)
async def test_no_answer_repeats_the_host_of_the_request(app: RunningApp, headers: dict[str, str]) -> None:
    admin = await app.signed_in("root@example.org", admin=True)
    await app.user()

    answers = [
        await admin.get("/api/openapi.json", headers=headers),
        await admin.get("/api/session", headers=headers),
        await admin.post("/api/languages", json={"code": "de", "name": "German"}, headers=headers),
        await app.client().post("/api/session", json=CREDENTIALS, headers=headers),
        await app.client().get("/nowhere", headers=headers),
        await app.client().get("/api/languages/", headers=headers),
    ]

    for answer in answers:
        assert EVIL not in answer.text
        assert EVIL not in str(answer.headers)
    assert answers[2].headers["location"] == "/api/languages/de"
    assert "Domain" not in answers[3].headers["set-cookie"]


@pytest.mark.parametrize("host", [f"127.0.0.1:8000@{EVIL}", f"a, {EVIL}", f"{EVIL}/", "[::1", "a:b", "a b", "\xff"])
async def test_a_host_that_is_no_host_is_refused(app: RunningApp, host: str) -> None:
    answer = await app.client().get("/api/session", headers=[(b"host", host.encode("latin-1"))])

    assert problem(answer)["code"] == "malformed_request"
    assert EVIL not in answer.text


@pytest.mark.parametrize("headers", FORGED_HEADERS)
async def test_the_host_of_the_request_is_not_an_allowed_origin(app: RunningApp, headers: dict[str, str]) -> None:
    browser = await app.signed_in()

    for origin in (f"http://{EVIL}", f"https://{EVIL}"):
        answer = await browser.delete("/api/sessions", headers={**headers, "Origin": origin})
        assert answer.status_code == 403


async def test_links_are_built_from_the_public_url_only(app: RunningApp) -> None:
    link = await create_user_with_link(OPERATOR, app.resources, "eve@example.org", "", None)

    assert link.startswith(f"{app.settings.public_url}/redeem#token=osk_")
    assert "?" not in link


async def test_a_forged_x_forwarded_proto_does_not_change_the_cookie(app: RunningApp) -> None:
    await app.user()

    answer = await app.client().post("/api/session", json=CREDENTIALS, headers={"X-Forwarded-Proto": "https"})

    assert answer.headers["set-cookie"].endswith("Path=/; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize("headers", FORGED_HEADERS)
@pytest.mark.parametrize("purpose", ["sign_in", "sign_up", "password_reset"])
async def test_links_in_mail_are_built_from_the_public_url_only(
    app: RunningApp, headers: dict[str, str], purpose: str
) -> None:
    await app.user()
    await ask(app.client(**headers), purpose)

    (message,) = await app.mails()

    assert EVIL not in message.as_string()
    assert f"{app.settings.public_url}/redeem#token=osk_" in text_of(message)


@pytest.mark.parametrize("headers", FORGED_HEADERS)
async def test_links_in_invitations_are_built_from_the_public_url_only(
    app: RunningApp, headers: dict[str, str]
) -> None:
    admin = await app.signed_in("root@example.org", admin=True)
    answer = await admin.post("/api/users", json={"email": "eve@example.org", "name": "Eve"}, headers=headers)

    (message,) = await app.mails()

    assert EVIL not in message.as_string() + str(answer.headers)
    assert f"{app.settings.public_url}/redeem#token=osk_" in text_of(message)
