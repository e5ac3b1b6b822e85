"""Insufficient session termination: sessions and keys of an attacker survive the owner's password reset."""

import pytest

from tests.support.app import CREDENTIALS, RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

ADDRESS = "ada@example.org"
NEW_SECRET = "nine quiet herons over water"


@pytest.mark.parametrize("key_kind", ["code", "link"])
async def test_a_password_reset_ends_all_sessions_and_voids_all_keys_of_the_user(
    app: RunningApp, key_kind: str
) -> None:
    user_id = await app.user(ADDRESS)
    tokens = [await app.token(user_id) for _ in range(3)]
    attacker = app.with_cookie(tokens[0])
    sign_in = await mailed(app, "sign_in")
    await ask(attacker, "email_change", "mallory@example.org")
    change_code = code_in((await app.mails())[-1])
    app.clock.forward(seconds=30)
    message = await mailed(app, "password_reset")
    by_code = {"purpose": "password_reset", "email": ADDRESS, "code": code_in(message)}
    owner = app.client()

    answer = await redeem(owner, secret=NEW_SECRET, **(by_code if key_kind == "code" else {"token": token_in(message)}))

    assert answer.status_code == 201
    assert await is_signed_in(owner)
    for token in tokens:
        assert not await is_signed_in(app.with_cookie(token))
        assert not await is_signed_in(app.client(Authorization=f"Bearer {token}"))
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 1
    assert (await redeem(app.client(), token=token_in(sign_in))).status_code == 410
    body = {"purpose": "email_change", "email": "mallory@example.org", "code": change_code}
    assert (await redeem(attacker, **body)).status_code == 410
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401


async def test_a_refused_password_reset_ends_no_session(app: RunningApp) -> None:
    browser = await app.signed_in(ADDRESS)
    token = token_in(await mailed(app, "password_reset"))

    for secret in ("short", ADDRESS, "x" * 200):
        assert (await redeem(app.client(), token=token, secret=secret)).status_code == 422

    assert await is_signed_in(browser)
    assert (await redeem(app.client(), token=token, secret=NEW_SECRET)).status_code == 201
