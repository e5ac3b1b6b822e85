"""Denial of service by deadlock: requests of one user, or on one link, block each other until PostgreSQL aborts one."""

from uuid import UUID

from app.audit import OPERATOR
from app.auth.tokens import token_hash
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.flows.administer_users import set_platform_role
from tests.support.app import SECRET, RunningApp
from tests.support.races import queued

NEW_SECRET = "nine quiet herons over water"


async def test_ending_all_other_sessions_during_a_secret_change_does_not_deadlock(app: RunningApp) -> None:
    user = await app.user()
    first, second, third = [await app.token(user) for _ in range(3)]
    first_browser, second_browser = app.with_cookie(first), app.with_cookie(second)

    async with queued(app, "SELECT 1 FROM sessions WHERE token_hash = $1 FOR UPDATE", token_hash(third)) as queue:
        change = await queue.add(second_browser.put("/api/keys/primary/secret", json={"secret": NEW_SECRET}))
        end = await queue.add(first_browser.delete("/api/sessions"))

    assert {(await change).status_code, (await end).status_code} <= {204, 401}
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") <= 1


async def test_creating_a_setup_link_during_a_redemption_does_not_deadlock(app: RunningApp) -> None:
    body = {"token": await app.setup_token(), "email": "ada@example.org", "name": "Ada", "secret": SECRET}

    async with app.client() as client, queued(app, "SELECT 1 FROM keys FOR UPDATE") as queue:
        redemption = await queue.add(client.post("/api/keys/redeem", json=body))
        creation = await queue.add(new_setup_link(OPERATOR, app.resources))

    await creation
    assert (await redemption).status_code == 201
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 1


async def test_granting_a_role_during_a_secret_change_does_not_deadlock(app: RunningApp) -> None:
    user = await app.user()
    browser = app.with_cookie(await app.token(user))
    await _add_single_use_key(app, user)

    async with queued(app, "SELECT 1 FROM keys WHERE kind = 'single_use' FOR UPDATE") as queue:
        grant = await queue.add(set_platform_role(OPERATOR, app.resources, user, "admin"))
        change = await queue.add(browser.put("/api/keys/primary/secret", json={"secret": NEW_SECRET}))

    await grant
    assert (await change).status_code in (204, 401)


async def _add_single_use_key(app: RunningApp, user: UUID) -> None:
    await app.execute(
        "INSERT INTO keys (id, user_id, kind, provider, identifier, purpose, address, created_at, expires_at)"
        " VALUES (gen_random_uuid(), $1, 'single_use', 'link', 'x', 'invitation', 'ada@example.org', $2, $2)",
        user,
        app.clock(),
    )
