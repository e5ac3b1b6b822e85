"""Account pre-hijacking: an attacker creates an account for the victim's address, and keeps access to it."""

import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

VICTIM = "ada@example.org"


async def _verified(app: RunningApp) -> bool:
    verified: bool = await app.resources.database.pool.fetchval("SELECT email_verified_at IS NOT NULL FROM users")
    return verified


@pytest.mark.parametrize("purpose", ["sign_in", "sign_up"])
@pytest.mark.parametrize("key_kind", ["code", "link"])
async def test_the_first_verification_of_an_address_removes_the_secret_and_ends_all_sessions(
    app: RunningApp, purpose: str, key_kind: str
) -> None:
    attacker = await app.signed_in(VICTIM)
    message = await mailed(app, purpose, VICTIM)
    by_code = {"purpose": purpose, "email": VICTIM, "code": code_in(message)}
    owner = app.client()

    answer = await redeem(owner, **(by_code if key_kind == "code" else {"token": token_in(message)}))

    assert answer.status_code == 201
    assert await is_signed_in(owner)
    assert not await is_signed_in(attacker)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    assert await _verified(app)


async def test_an_email_change_requested_by_the_attacker_is_void(app: RunningApp) -> None:
    attacker = await app.signed_in(VICTIM)
    await ask(attacker, "email_change", "mallory@example.org")
    change = {"purpose": "email_change", "email": "mallory@example.org", "code": code_in((await app.mails())[-1])}
    owner = app.client()
    await redeem(owner, token=token_in(await mailed(app, "sign_in", VICTIM)))

    for client in (attacker, app.client()):
        assert (await redeem(client, **change)).status_code == 410


async def test_a_verified_address_keeps_its_secret_and_sessions(app: RunningApp) -> None:
    first = app.client()
    await app.user(VICTIM)
    await redeem(first, token=token_in(await mailed(app, "password_reset", VICTIM)), secret=SECRET)
    app.clock.forward(minutes=1)

    second = app.client()
    await redeem(second, token=token_in(await mailed(app, "sign_in", VICTIM)))

    assert await is_signed_in(first)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def test_the_first_platform_admin_keeps_their_secret_after_signing_in_by_mail(app: RunningApp) -> None:
    setup = {"token": await app.setup_token(), "email": VICTIM, "name": "Ada", "secret": SECRET}
    assert (await redeem(app.client(), **setup)).status_code == 201

    await redeem(app.client(), token=token_in(await mailed(app, "sign_in", VICTIM)))

    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def test_a_mailed_invitation_verifies_the_address_and_a_printed_invitation_does_not(
    app: RunningApp,
) -> None:
    admin = await app.signed_in("root@example.org", admin=True)
    await admin.post("/api/users", json={"email": VICTIM, "name": "Ada"})
    token = token_in((await app.mails())[-1])
    await redeem(app.client(), token=token, name="Ada", secret=SECRET)
    printed = await app.invitation("eve@example.org")
    await redeem(app.client(), token=printed, name="Eve", secret=SECRET)

    for address, status in ((VICTIM, 201), ("eve@example.org", 401)):
        await redeem(app.client(), token=token_in(await mailed(app, "sign_in", address)))
        answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": address})
        assert answer.status_code == status
