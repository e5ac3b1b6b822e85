"""Pre-hijacking: whoever sets an account up for an address that is not theirs is still in when its owner arrives."""

import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

VICTIM = "ada@example.org"


async def _verified(app: RunningApp) -> bool:
    verified: bool = await app.resources.database.pool.fetchval("SELECT email_verified_at IS NOT NULL FROM users")
    return verified


@pytest.mark.parametrize("purpose", ["sign_in", "sign_up"])
@pytest.mark.parametrize("way", ["code", "link"])
async def test_the_first_proof_of_the_mailbox_clears_secret_and_sessions(
    app: RunningApp, purpose: str, way: str
) -> None:
    hijacker = await app.signed_in(VICTIM)
    message = await mailed(app, purpose, VICTIM)
    by_code = {"purpose": purpose, "email": VICTIM, "code": code_in(message)}
    owner = app.client()

    answer = await redeem(owner, **(by_code if way == "code" else {"token": token_in(message)}))

    assert answer.status_code == 201
    assert await is_signed_in(owner)
    assert not await is_signed_in(hijacker)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    assert await _verified(app)


async def test_an_address_change_that_the_hijacker_has_begun_is_worth_nothing(app: RunningApp) -> None:
    hijacker = await app.signed_in(VICTIM)
    await ask(hijacker, "email_change", "mallory@example.org")
    change = {"purpose": "email_change", "email": "mallory@example.org", "code": code_in((await app.mails())[-1])}
    owner = app.client()
    await redeem(owner, token=token_in(await mailed(app, "sign_in", VICTIM)))

    for client in (hijacker, app.client()):
        assert (await redeem(client, **change)).status_code == 410


async def test_a_mailbox_that_is_proved_keeps_its_secret_and_sessions(app: RunningApp) -> None:
    first = app.client()
    await app.user(VICTIM)
    await redeem(first, token=token_in(await mailed(app, "password_reset", VICTIM)), secret=SECRET)
    app.clock.forward(minutes=1)

    second = app.client()
    await redeem(second, token=token_in(await mailed(app, "sign_in", VICTIM)))

    assert await is_signed_in(first)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def test_the_first_admin_keeps_their_secret_when_they_sign_in_by_mail(app: RunningApp) -> None:
    setup = {"token": await app.setup_token(), "email": VICTIM, "name": "Ada", "secret": SECRET}
    assert (await redeem(app.client(), **setup)).status_code == 201

    await redeem(app.client(), token=token_in(await mailed(app, "sign_in", VICTIM)))

    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def test_an_invitation_that_was_mailed_proves_the_mailbox_and_one_that_was_handed_over_does_not(
    app: RunningApp,
) -> None:
    admin = await app.signed_in("root@example.org", admin=True)
    await admin.post("/api/users", json={"email": VICTIM, "name": "Ada"})
    token = token_in((await app.mails())[-1])
    await redeem(app.client(), token=token, name="Ada", secret=SECRET)
    handed = await app.invitation("eve@example.org")
    await redeem(app.client(), token=handed, name="Eve", secret=SECRET)

    for address, status in ((VICTIM, 201), ("eve@example.org", 401)):
        await redeem(app.client(), token=token_in(await mailed(app, "sign_in", address)))
        answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": address})
        assert answer.status_code == status
