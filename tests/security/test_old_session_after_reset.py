"""Old sessions after a reset: who was in before the owner reset the password stays in."""

import pytest

from tests.support.app import CREDENTIALS, RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

ADDRESS = "ada@example.org"
NEW_SECRET = "nine quiet herons over water"


@pytest.mark.parametrize("way", ["code", "link"])
async def test_a_reset_ends_every_session_and_key_from_before(app: RunningApp, way: str) -> None:
    user_id = await app.user(ADDRESS)
    tokens = [await app.token(user_id) for _ in range(3)]
    thief = app.with_cookie(tokens[0])
    sign_in = await mailed(app, "sign_in")
    await ask(thief, "email_change", "mallory@example.org")
    change = code_in((await app.mails())[-1])
    app.clock.forward(seconds=30)
    message = await mailed(app, "password_reset")
    by_code = {"purpose": "password_reset", "email": ADDRESS, "code": code_in(message)}
    owner = app.client()

    answer = await redeem(owner, secret=NEW_SECRET, **(by_code if way == "code" else {"token": token_in(message)}))

    assert answer.status_code == 201
    assert await is_signed_in(owner)
    for token in tokens:
        assert not await is_signed_in(app.with_cookie(token))
        assert not await is_signed_in(app.client(Authorization=f"Bearer {token}"))
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 1
    assert (await redeem(app.client(), token=token_in(sign_in))).status_code == 410
    body = {"purpose": "email_change", "email": "mallory@example.org", "code": change}
    assert (await redeem(thief, **body)).status_code == 410
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401


async def test_a_reset_that_is_refused_ends_nothing(app: RunningApp) -> None:
    browser = await app.signed_in(ADDRESS)
    token = token_in(await mailed(app, "password_reset"))

    for secret in ("short", ADDRESS, "x" * 200):
        assert (await redeem(app.client(), token=token, secret=secret)).status_code == 422

    assert await is_signed_in(browser)
    assert (await redeem(app.client(), token=token, secret=NEW_SECRET)).status_code == 201
