"""Account theft by address change: what the thief does afterwards keeps the owner from undoing it."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, is_signed_in, items, problem
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

OWNER, THIEF, SECOND = "ada@example.org", "mallory@example.org", "mallory2@example.org"
THIEFS_SECRET = "nine quiet herons over water"


async def _rename(app: RunningApp, browser: httpx.AsyncClient, address: str) -> str:
    """Change the address; gives the token of the undo link that the old one gets."""
    app.clock.forward(seconds=1)
    await ask(browser, "email_change", address)
    code = code_in((await app.mails())[-1])
    assert (await redeem(browser, purpose="email_change", email=address, code=code)).status_code == 201
    return token_in((await app.mails())[-1])


@pytest.fixture
async def thief(app: RunningApp) -> httpx.AsyncClient:
    """A browser with a stolen session."""
    return await app.signed_in(OWNER)


async def test_the_undo_link_survives_all_that_the_thief_does(app: RunningApp, thief: httpx.AsyncClient) -> None:
    undo = await _rename(app, thief, THIEF)
    await thief.put("/api/keys/primary/secret", json={"secret": THIEFS_SECRET})
    await thief.delete("/api/sessions")
    for key in (await thief.get("/api/keys")).json()["items"]:
        await thief.delete(f"/api/keys/{key['id']}")
    link = await app.resources.database.pool.fetchval("SELECT id FROM keys WHERE purpose = 'email_change_undo'")
    assert (await thief.delete(f"/api/keys/{link}")).status_code == 403
    app.clock.forward(seconds=30)
    await redeem(thief, token=token_in(await mailed(app, "password_reset", THIEF)), secret=SECRET)
    app.clock.forward(minutes=1)
    await ask(app.client(), "password_reset", OWNER)
    await _rename(app, thief, SECOND)
    app.clock.forward(days=6, hours=23)

    owner = app.client()
    answer = await redeem(owner, token=undo)

    assert answer.json()["user"]["email"] == OWNER
    assert await is_signed_in(owner)


async def test_undoing_leaves_the_thief_nothing(app: RunningApp, thief: httpx.AsyncClient) -> None:
    undo = await _rename(app, thief, THIEF)
    await thief.put("/api/keys/primary/secret", json={"secret": THIEFS_SECRET})
    thiefs_undo = await _rename(app, thief, SECOND)
    app.clock.forward(seconds=30)
    sign_in = await mailed(app, "sign_in", SECOND)
    await ask(thief, "email_change", "mallory3@example.org")
    change = code_in((await app.mails())[-1])

    await redeem(app.client(), token=undo)

    assert not await is_signed_in(thief)
    assert (await redeem(app.client(), token=thiefs_undo)).status_code == 410
    assert (await redeem(app.client(), token=token_in(sign_in))).status_code == 410
    body = {"purpose": "email_change", "email": "mallory3@example.org", "code": change}
    assert (await redeem(thief, **body)).status_code == 410
    for email in (OWNER, THIEF, SECOND):
        for secret in (SECRET, THIEFS_SECRET):
            answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": email, "secret": secret})
            assert answer.status_code == 401


async def test_the_thiefs_own_undo_link_leaves_the_owners_usable(app: RunningApp, thief: httpx.AsyncClient) -> None:
    undo = await _rename(app, thief, THIEF)
    thiefs_undo = await _rename(app, thief, SECOND)
    assert (await redeem(app.client(), token=thiefs_undo)).status_code == 201

    assert (await redeem(app.client(), token=undo)).json()["user"]["email"] == OWNER


async def test_an_invitation_of_the_old_address_leaves_the_link_usable(
    app: RunningApp, thief: httpx.AsyncClient
) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    await app.language("de")
    undo = await _rename(app, thief, THIEF)
    assert (await root.post("/api/languages/de/members", json={"email": OWNER})).status_code == 202
    assert [member["email"] for member in await items(root, "/api/languages/de/members")] == [OWNER]

    answer = await redeem(app.client(), token=undo)

    assert answer.json()["user"]["email"] == OWNER
    assert answer.json()["memberships"] == []
    assert await items(root, "/api/languages/de/members") == []
    assert len(await items(root, "/api/audit-events", action="user.delete")) == 1


async def test_an_account_that_has_been_used_is_not_displaced(app: RunningApp, thief: httpx.AsyncClient) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    undo = await _rename(app, thief, THIEF)
    await root.post("/api/users", json={"email": OWNER, "name": "Ada"})
    invitation = token_in((await app.mails())[-1])
    await redeem(app.client(), token=invitation, name="Ada", secret=SECRET)

    assert problem(await redeem(app.client(), token=undo))["code"] == "email_taken"


async def test_a_stolen_session_that_is_old_changes_no_address(app: RunningApp, thief: httpx.AsyncClient) -> None:
    app.clock.forward(minutes=16)

    assert (await ask(thief, "email_change", THIEF)).json()["code"] == "reauthentication_required"
    assert await app.mails() == []
