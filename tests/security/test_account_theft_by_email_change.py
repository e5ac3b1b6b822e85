"""Account theft by email change: what the attacker does after the change keeps the owner from undoing it."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, is_signed_in, items, problem
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

OWNER, ATTACKER, ATTACKER_2 = "ada@example.org", "mallory@example.org", "mallory2@example.org"
ATTACKERS_SECRET = "nine quiet herons over water"


async def _change_email(app: RunningApp, browser: httpx.AsyncClient, address: str) -> str:
    """Change the address. Returns the token of the undo link that is mailed to the previous address."""
    app.clock.forward(seconds=1)
    await ask(browser, "email_change", address)
    code = code_in((await app.mails())[-1])
    assert (await redeem(browser, purpose="email_change", email=address, code=code)).status_code == 201
    return token_in((await app.mails())[-1])


@pytest.fixture
async def attacker(app: RunningApp) -> httpx.AsyncClient:
    """A browser with a stolen session of the owner."""
    return await app.signed_in(OWNER)


async def test_the_undo_link_stays_valid_whatever_the_attacker_does(
    app: RunningApp, attacker: httpx.AsyncClient
) -> None:
    undo = await _change_email(app, attacker, ATTACKER)
    await attacker.put("/api/keys/primary/secret", json={"secret": ATTACKERS_SECRET})
    await attacker.delete("/api/sessions")
    for key in (await attacker.get("/api/keys")).json()["items"]:
        await attacker.delete(f"/api/keys/{key['id']}")
    undo_id = await app.resources.database.pool.fetchval("SELECT id FROM keys WHERE purpose = 'email_change_undo'")
    assert (await attacker.delete(f"/api/keys/{undo_id}")).status_code == 403
    app.clock.forward(seconds=30)
    await redeem(attacker, token=token_in(await mailed(app, "password_reset", ATTACKER)), secret=SECRET)
    app.clock.forward(minutes=1)
    await ask(app.client(), "password_reset", OWNER)
    await _change_email(app, attacker, ATTACKER_2)
    app.clock.forward(days=6, hours=23)

    owner = app.client()
    answer = await redeem(owner, token=undo)

    assert answer.json()["user"]["email"] == OWNER
    assert await is_signed_in(owner)


async def test_undoing_revokes_all_access_of_the_attacker(app: RunningApp, attacker: httpx.AsyncClient) -> None:
    undo = await _change_email(app, attacker, ATTACKER)
    await attacker.put("/api/keys/primary/secret", json={"secret": ATTACKERS_SECRET})
    attackers_undo = await _change_email(app, attacker, ATTACKER_2)
    app.clock.forward(seconds=30)
    sign_in = await mailed(app, "sign_in", ATTACKER_2)
    await ask(attacker, "email_change", "mallory3@example.org")
    change_code = code_in((await app.mails())[-1])

    await redeem(app.client(), token=undo)

    assert not await is_signed_in(attacker)
    assert (await redeem(app.client(), token=attackers_undo)).status_code == 410
    assert (await redeem(app.client(), token=token_in(sign_in))).status_code == 410
    body = {"purpose": "email_change", "email": "mallory3@example.org", "code": change_code}
    assert (await redeem(attacker, **body)).status_code == 410
    for email in (OWNER, ATTACKER, ATTACKER_2):
        for secret in (SECRET, ATTACKERS_SECRET):
            answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": email, "secret": secret})
            assert answer.status_code == 401


async def test_the_attackers_undo_link_leaves_the_owners_undo_link_usable(
    app: RunningApp, attacker: httpx.AsyncClient
) -> None:
    undo = await _change_email(app, attacker, ATTACKER)
    attackers_undo = await _change_email(app, attacker, ATTACKER_2)
    assert (await redeem(app.client(), token=attackers_undo)).status_code == 201

    assert (await redeem(app.client(), token=undo)).json()["user"]["email"] == OWNER


async def test_an_invitation_of_the_old_address_leaves_the_undo_link_usable(
    app: RunningApp, attacker: httpx.AsyncClient
) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    await app.language("de")
    undo = await _change_email(app, attacker, ATTACKER)
    assert (await root.post("/api/languages/de/members", json={"email": OWNER})).status_code == 202
    assert [member["email"] for member in await items(root, "/api/languages/de/members")] == [OWNER]

    answer = await redeem(app.client(), token=undo)

    assert answer.json()["user"]["email"] == OWNER
    assert answer.json()["memberships"] == []
    assert await items(root, "/api/languages/de/members") == []
    assert len(await items(root, "/api/audit-events", action="user.delete")) == 1


async def test_undoing_is_refused_if_an_account_in_use_has_the_old_address(
    app: RunningApp, attacker: httpx.AsyncClient
) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    undo = await _change_email(app, attacker, ATTACKER)
    await root.post("/api/users", json={"email": OWNER, "name": "Ada"})
    invitation = token_in((await app.mails())[-1])
    await redeem(app.client(), token=invitation, name="Ada", secret=SECRET)

    assert problem(await redeem(app.client(), token=undo))["code"] == "email_taken"


async def test_an_email_change_without_a_recent_reauthentication_is_refused(
    app: RunningApp, attacker: httpx.AsyncClient
) -> None:
    app.clock.forward(minutes=16)

    assert (await ask(attacker, "email_change", ATTACKER)).json()["code"] == "reauthentication_required"
    assert await app.mails() == []
