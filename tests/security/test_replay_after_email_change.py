"""Replay after an email change: a key mailed to the old address before the change still opens the account."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, secret_for, token_in

OLD, NEW = "ada@example.org", "new@example.org"


async def _change_email(app: RunningApp, browser: httpx.AsyncClient) -> None:
    await ask(browser, "email_change", NEW)
    code = code_in((await app.mails())[-1])
    answer = await redeem(browser, purpose="email_change", email=NEW, code=code)
    assert answer.json()["user"]["email"] == NEW


@pytest.mark.parametrize("purpose", ["sign_in", "sign_up", "password_reset"])
async def test_an_email_change_voids_codes_and_links_of_the_old_address(app: RunningApp, purpose: str) -> None:
    browser = await app.signed_in(OLD)
    message = await mailed(app, purpose, OLD)
    await _change_email(app, browser)

    for address in (OLD, NEW):
        by_code = {"purpose": purpose, "email": address, "code": code_in(message), **secret_for(purpose)}
        assert (await redeem(app.client(), **by_code)).status_code == 410
    assert (await redeem(app.client(), token=token_in(message), **secret_for(purpose))).status_code == 410


async def test_a_key_requested_before_the_change_is_not_issued_after_it(app: RunningApp) -> None:
    browser = await app.signed_in(OLD)
    await ask(browser, "email_change", NEW)
    code = code_in((await app.mails())[-1])
    await ask(app.client(), "sign_in", OLD)
    await redeem(browser, purpose="email_change", email=NEW, code=code)

    assert [message["To"] for message in (await app.mails())[1:]] == [OLD]
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE purpose = 'sign_in'") == 0


async def test_an_email_change_ends_other_sessions_and_sign_in_with_the_old_address(app: RunningApp) -> None:
    browser = await app.signed_in(OLD)
    other_session = app.client()
    await other_session.post("/api/session", json=CREDENTIALS)
    await _change_email(app, browser)

    assert await is_signed_in(browser)
    assert not await is_signed_in(other_session)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401


async def test_the_next_owner_of_the_old_address_gets_a_new_account(open_app: RunningApp) -> None:
    browser = await open_app.signed_in(OLD)
    old_mail = await mailed(open_app, "sign_in", OLD)
    await _change_email(open_app, browser)
    open_app.clock.forward(seconds=30)

    new_owner = open_app.client()
    token = token_in(await mailed(open_app, "sign_up", OLD))
    await redeem(new_owner, token=token, name="Newcomer")

    assert (await new_owner.get("/api/session")).json()["user"]["name"] == "Newcomer"
    assert (await browser.get("/api/session")).json()["user"]["email"] == NEW
    assert (await redeem(open_app.client(), token=token_in(old_mail))).status_code == 410
