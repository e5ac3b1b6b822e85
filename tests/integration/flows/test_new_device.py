"""A sign-in on a device that is new for the user is mailed to them; whoever reads the mail can end it, and no more."""

import re
from email.message import EmailMessage

import httpx
import pytest

from app.domain.sessions.disowning import LIFETIME
from tests.support.app import CREDENTIALS, RunningApp, is_signed_in, problem
from tests.support.mailbox import by_code, code_in, mailed, text_of, token_in

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"


async def sign_in(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/session", json=CREDENTIALS)).status_code == 201


async def told(app: RunningApp) -> list[EmailMessage]:
    """The mails about new devices."""
    return [mail for mail in await app.mails() if mail["Subject"].startswith("New sign-in at")]


async def disowning_token_in(app: RunningApp) -> str:
    (mail,) = await told(app)
    found = re.search(r"/not-me#token=(\S+)", text_of(mail))
    assert found
    return found[1]


async def test_the_first_device_is_silent_and_so_is_a_known_one(app: RunningApp) -> None:
    await app.user()
    browser = app.client()
    for _ in range(3):
        await sign_in(browser)
        await browser.delete("/api/session")
    assert await told(app) == []


@pytest.mark.parametrize("method", ["password", "code", "link"])
async def test_a_second_device_is_told_with_its_name_and_the_time(app: RunningApp, method: str) -> None:
    await app.user()
    await sign_in(app.client())
    app.clock.forward(hours=2, minutes=2)
    other = app.client(**{"User-Agent": CHROME})
    sent = await mailed(app, "sign_in")
    bodies = {
        "password": CREDENTIALS,
        "code": by_code(code_in(sent)),
        "link": {"method": "link", "token": token_in(sent)},
    }
    assert (await other.post("/api/session", json=bodies[method])).status_code == 201
    (mail,) = await told(app)
    assert mail["To"] == "ada@example.org"
    assert '"Chrome on Linux", 2026-06-01, 14:02 UTC.' in " ".join(text_of(mail).split())


async def test_the_cookie_of_another_user_makes_no_device_known(app: RunningApp) -> None:
    await app.user()
    await app.user("bob@example.org")
    await sign_in(app.client())
    browser = app.client()
    await browser.post("/api/session", json={**CREDENTIALS, "email": "bob@example.org"})
    assert await told(app) == []
    await sign_in(browser)
    assert len(await told(app)) == 1


async def test_a_device_that_was_voided_is_new_again(app: RunningApp) -> None:
    await app.user()
    browser, other = app.client(), app.client()
    await sign_in(browser)
    await sign_in(other)
    app.clock.forward(seconds=1)
    await browser.delete("/api/sessions")
    before = len(await told(app))
    app.clock.forward(seconds=1)
    await sign_in(other)
    assert len(await told(app)) == before + 1


async def test_the_mails_of_one_user_are_limited(app: RunningApp) -> None:
    await app.user()
    for _ in range(9):
        await sign_in(app.client())
    assert len(await told(app)) == 5


async def test_the_token_ends_that_session_alone_and_again_without_effect(app: RunningApp) -> None:
    await app.user()
    first, thief = app.client(), app.client()
    await sign_in(first)
    await sign_in(thief)
    token = await disowning_token_in(app)
    for _ in range(2):
        answer = await app.client().post("/api/sessions/disown", json={"token": token})
        assert (answer.status_code, answer.json()) == (200, {"email": "ada@example.org"})
        assert (await is_signed_in(first), await is_signed_in(thief)) == (True, False)


async def test_a_disowned_device_is_not_known_any_more(app: RunningApp) -> None:
    await app.user()
    thief = app.client()
    await sign_in(app.client())
    await sign_in(thief)
    token = await disowning_token_in(app)
    app.clock.forward(seconds=1)
    await app.client().post("/api/sessions/disown", json={"token": token})
    await sign_in(thief)
    assert len(await told(app)) == 2


async def test_the_token_works_after_the_session_was_renewed_and_for_7_days(app: RunningApp) -> None:
    await app.user()
    thief = app.client()
    await sign_in(app.client())
    await sign_in(thief)
    token = await disowning_token_in(app)
    proof = {"method": "password", "secret": CREDENTIALS["secret"]}
    assert (await thief.post("/api/session/reauthentication", json=proof)).status_code == 200
    app.clock.forward(seconds=LIFETIME.total_seconds())
    late = await app.client().post("/api/sessions/disown", json={"token": token})
    assert problem(late)["code"] == "key_not_usable"
    assert await is_signed_in(thief)
    app.clock.forward(seconds=-1)
    assert (await app.client().post("/api/sessions/disown", json={"token": token})).status_code == 200
    assert not await is_signed_in(thief)
