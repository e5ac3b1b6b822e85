"""Denial by deadlock: requests of one user, or around one link, that block each other until PostgreSQL aborts one."""

from uuid import UUID

from app.auth.tokens import token_hash
from tests.support.app import SECRET, World
from tests.support.races import queued

NEW_SECRET = "nine quiet herons over water"


async def test_ending_all_other_sessions_while_another_one_changes_the_secret(world: World) -> None:
    user = await world.user()
    first, second, third = [await world.token(user) for _ in range(3)]
    here, there = world.with_cookie(first), world.with_cookie(second)

    async with queued(world, "SELECT 1 FROM sessions WHERE token_hash = $1 FOR UPDATE", token_hash(third)) as queue:
        change = await queue.add(there.put("/api/keys/primary/secret", json={"secret": NEW_SECRET}))
        end = await queue.add(here.delete("/api/sessions"))

    assert {(await change).status_code, (await end).status_code} <= {204, 401}
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM sessions") <= 1


async def test_asking_for_a_setup_link_while_one_is_redeemed(world: World) -> None:
    body = {"token": await world.setup_token(), "email": "ada@example.org", "name": "Ada", "secret": SECRET}

    async with world.client() as client, queued(world, "SELECT 1 FROM keys FOR UPDATE") as queue:
        redeemed = await queue.add(client.post("/api/keys/redeem", json=body))
        asked = await queue.add(world.services.invitations.setup_link())

    await asked
    assert (await redeemed).status_code == 201
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM users") == 1


async def test_granting_a_role_while_the_user_changes_the_secret(world: World) -> None:
    user = await world.user()
    browser = world.with_cookie(await world.token(user))
    await _outstanding_key(world, user)

    async with queued(world, "SELECT 1 FROM keys WHERE kind = 'single_use' FOR UPDATE") as queue:
        grant = await queue.add(world.services.users.grant_admin(user))
        change = await queue.add(browser.put("/api/keys/primary/secret", json={"secret": NEW_SECRET}))

    await grant
    assert (await change).status_code in (204, 401)


async def _outstanding_key(world: World, user: UUID) -> None:
    await world.services.database.pool.execute(
        "INSERT INTO keys (id, user_id, kind, provider, identifier, purpose, address, created_at, expires_at)"
        " VALUES (gen_random_uuid(), $1, 'single_use', 'link', 'x', 'invitation', 'ada@example.org', $2, $2)",
        user,
        world.clock(),
    )
