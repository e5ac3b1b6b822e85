"""Accounts: suspension, the platform role, and the last platform admin, who always stays."""

from collections.abc import Awaitable
from uuid import UUID

import pytest

from app.errors import Problem
from tests.support.app import CREDENTIALS, SECRET, World, is_signed_in, problem
from tests.support.mailbox import redeem
from tests.support.races import at_once

NOBODY = UUID("01890000-0000-7000-8000-000000000000")


async def refusal(operation: Awaitable[None]) -> str:
    with pytest.raises(Problem) as raised:
        await operation
    return raised.value.code


async def admins(world: World) -> int:
    count = "SELECT count(*) FROM users WHERE platform_role = 'admin' AND status = 'active'"
    return int(await world.services.database.pool.fetchval(count))


async def sign_in(world: World, email: str = "ada@example.org") -> int:
    return (await world.client().post("/api/session", json={**CREDENTIALS, "email": email})).status_code


async def test_a_suspended_user_is_out_at_once_and_stays_out(world: World) -> None:
    user_id = await world.user()
    client = world.with_cookie(await world.token(user_id))
    await world.services.users.suspend(user_id)
    assert not await is_signed_in(client)
    assert await sign_in(world) == 401
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_restored_user_signs_in_anew_and_no_old_session_comes_back(world: World) -> None:
    user_id = await world.user()
    client = world.with_cookie(await world.token(user_id))
    await world.services.users.suspend(user_id)
    await world.services.users.restore(user_id)
    assert not await is_signed_in(client)
    assert await sign_in(world) == 201


async def test_suspension_voids_the_links_that_are_out(world: World) -> None:
    link = await world.services.invitations.create_user("ada@example.org", "Ada", None)
    user_id = await world.services.keys.find_user("ada@example.org")
    await world.services.users.suspend(user_id)
    await world.services.users.restore(user_id)
    body = {"token": link.partition("#token=")[2], "name": "Ada", "secret": SECRET}
    assert problem(await world.client().post("/api/keys/redeem", json=body))["code"] == "key_not_usable"


async def test_a_gained_role_never_joins_an_old_session(world: World) -> None:
    user_id = await world.user()
    client = world.with_cookie(await world.token(user_id))
    await world.services.users.grant_admin(user_id)
    assert not await is_signed_in(client)
    admin = world.with_cookie(await world.token(user_id, admin=True))
    assert (await admin.get("/api/session")).json()["user"]["platformRole"] == "admin"


async def test_a_lost_role_is_gone_from_the_very_next_request(world: World) -> None:
    await world.user("root@example.org", admin=True)
    user_id = await world.user(admin=True)
    client = world.with_cookie(await world.token(user_id, admin=True))
    assert (await client.delete("/api/languages/de")).status_code == 404
    await world.services.users.revoke_admin(user_id)
    assert (await client.delete("/api/languages/de")).status_code == 403
    assert await is_signed_in(client)


@pytest.mark.parametrize("operation", ["suspend", "revoke_admin"])
async def test_the_last_platform_admin_stays(world: World, operation: str) -> None:
    admin = await world.user(admin=True)
    assert await refusal(getattr(world.services.users, operation)(admin)) == "last_admin"
    assert await admins(world) == 1


@pytest.mark.parametrize("operation", ["suspend", "revoke_admin"])
async def test_of_all_platform_admins_removed_at_once_one_stays(world: World, operation: str) -> None:
    ids = [await world.user(f"admin{number}@example.org", admin=True) for number in range(4)]

    async def remove(number: int) -> bool:
        try:
            await getattr(world.services.users, operation)(ids[number])
        except Problem:
            return False
        return True

    assert sum(await at_once(4, remove)) == 3
    assert await admins(world) == 1


async def test_a_suspended_admin_is_not_the_one_who_stays(world: World) -> None:
    suspended, active = await world.user(admin=True), await world.user("eve@example.org", admin=True)
    await world.services.users.suspend(suspended)
    assert await refusal(world.services.users.revoke_admin(active)) == "last_admin"
    await world.services.users.revoke_admin(suspended)
    assert await admins(world) == 1


async def test_an_admin_who_has_not_accepted_yet_is_not_the_one_who_stays(world: World) -> None:
    active = await world.user(admin=True)
    await world.services.invitations.create_user("eve@example.org", "", "admin")
    assert await refusal(world.services.users.revoke_admin(active)) == "last_admin"


async def test_an_invitation_outlives_the_grant_of_the_platform_role(world: World) -> None:
    token = await world.invitation("eve@example.org")
    await world.services.users.grant_admin(await world.services.keys.find_user("eve@example.org"))
    accepted = await redeem(world.client(), token=token, name="Eve", secret=SECRET)
    assert (accepted.status_code, accepted.json()["user"]["platformRole"]) == (201, "admin")


async def test_suspending_an_ordinary_user_needs_no_admin_to_spare(world: World) -> None:
    await world.user(admin=True)
    await world.services.users.suspend(await world.user("eve@example.org"))
    assert await sign_in(world, "eve@example.org") == 401


@pytest.mark.parametrize("operation", ["suspend", "restore", "grant_admin", "revoke_admin"])
async def test_an_unknown_user_is_not_found(world: World, operation: str) -> None:
    assert await refusal(getattr(world.services.users, operation)(NOBODY)) == "not_found"


async def test_an_unknown_address_is_not_found(world: World) -> None:
    with pytest.raises(Problem, match="no user with this address"):
        await world.services.keys.find_user("nobody@example.org")


async def test_users_are_paged_in_the_order_they_were_made(world: World) -> None:
    made = [await world.user(f"user{number}@example.org") for number in range(5)]
    first = await world.services.users.page(None, 3)
    rest = await world.services.users.page((first[-1].created_at, first[-1].id), 3)
    assert [user.id for user in first + rest] == made
    assert await world.services.users.page((rest[-1].created_at, rest[-1].id), 3) == []


async def test_a_change_notes_its_time(world: World) -> None:
    user_id = await world.user()
    world.clock.forward(days=1)
    await world.services.users.grant_admin(user_id)
    assert await world.services.database.pool.fetchval("SELECT updated_at FROM users") == world.clock()
