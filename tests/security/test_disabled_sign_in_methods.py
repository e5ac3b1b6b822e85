"""Bypass of a disabled sign-in method: a route accepts a password or code that the deployment does not offer."""

from collections.abc import AsyncIterator

import pytest

from tests.support.app import (
    CREDENTIALS,
    SECRET,
    RunningApp,
    field_errors,
    is_signed_in,
    problem,
    running,
    settings_for,
)
from tests.support.mailbox import ask, by_code, code_in, flow_of, mailed, redeem, text_of, token_in

ADDRESS = "ada@example.org"
HASHES = "SELECT count(*) FROM keys WHERE kind = 'primary' AND secret_hash IS NOT NULL"


@pytest.fixture
async def password_app(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """The service with `SIGN_IN_METHODS=password`, on the database of the fixture `app`, which offers both methods."""
    async with running(settings_for(database_url, SIGN_IN_METHODS="password"), app.clock) as password_app:
        yield password_app


async def test_without_passwords_every_route_refuses_a_password(open_app: RunningApp) -> None:
    await open_app.user(ADDRESS)
    browser = open_app.with_cookie(await open_app.token(await open_app.user("eve@example.org")))

    refused = [
        await open_app.client().post("/api/session", json=CREDENTIALS),
        await open_app.client().post("/api/session", json={**CREDENTIALS, "email": "nobody@example.org"}),
        await browser.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET}),
        await browser.put("/api/keys/primary/secret", json={"secret": "nine quiet herons over water"}),
        await ask(open_app.client(), "password_reset", ADDRESS),
    ]

    assert [problem(answer)["code"] for answer in refused] == ["method_disabled"] * len(refused)
    assert await open_app.mails() == []


async def test_without_passwords_an_earlier_password_reset_is_refused(app: RunningApp, open_app: RunningApp) -> None:
    await app.user(ADDRESS)
    message = await mailed(app, "password_reset", ADDRESS)
    token, by_code = token_in(message), {"purpose": "password_reset", "email": ADDRESS, "code": code_in(message)}

    for sent in ({"token": token}, by_code):
        assert (await redeem(open_app.client(), **sent, secret="nine quiet herons over water")).status_code == 410
    assert (await open_app.client().post("/api/keys/inspect", json={"token": token})).status_code == 410


async def test_without_passwords_no_key_takes_a_secret_or_stores_one(open_app: RunningApp) -> None:
    setup, invitation = await open_app.setup_token(), await open_app.invitation("eve@example.org")
    sign_up = token_in(await mailed(open_app, "sign_up", ADDRESS))

    for sent in ({"token": setup, "email": "root@example.org"}, {"token": invitation}, {"token": sign_up}):
        refused = await redeem(open_app.client(), **sent, name="Eve", secret=SECRET)
        assert field_errors(refused) == {"secret": "unknown_field"}
        assert (await redeem(open_app.client(), **sent, name="Eve")).status_code == 201

    assert await open_app.resources.database.pool.fetchval(HASHES) == 0


async def test_without_codes_no_code_is_mailed(password_app: RunningApp) -> None:
    await password_app.user(ADDRESS)

    assert problem(await ask(password_app.client(), "sign_in", ADDRESS))["code"] == "method_disabled"
    for address in (ADDRESS, "stranger@example.org"):
        assert (await ask(password_app.client(), "sign_up", address)).status_code == 202

    (notice,) = await password_app.mails()
    assert (notice["To"], "#token=" in text_of(notice)) == ("stranger@example.org", False)


async def test_without_open_sign_up_an_earlier_sign_up_key_is_refused(app: RunningApp, open_app: RunningApp) -> None:
    token = token_in(await mailed(open_app, "sign_up", ADDRESS))

    assert (await redeem(app.client(), token=token)).status_code == 410
    assert (await redeem(open_app.client(), token=token)).status_code == 201


async def test_without_codes_an_earlier_code_or_link_is_refused(app: RunningApp, password_app: RunningApp) -> None:
    user_id = await app.user(ADDRESS)
    message = await mailed(app, "sign_in", ADDRESS)
    code, token = code_in(message), token_in(message)
    browser = password_app.with_cookie(await password_app.token(user_id))
    client = password_app.client()
    proof = {"method": "code", "code": code, "flow": flow_of("sign_in", ADDRESS)}

    refused = [
        await client.post("/api/session", json=by_code(code, ADDRESS)),
        await client.post("/api/session", json={"method": "link", "token": token}),
        await redeem(client, purpose="sign_in", email=ADDRESS, code=code),
        await redeem(client, token=token),
        await browser.post("/api/session/reauthentication", json=proof),
    ]

    assert [problem(answer)["code"] for answer in refused] == ["key_not_usable"] * len(refused)
    assert not await is_signed_in(client)
