"""Accounts: suspension, the platform role, and the last platform admin, who always stays."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import restore_user, set_platform_role, suspend_user
from app.domain.flows.invite import create_user_with_link
from app.domain.keys.service import find_user
from app.domain.users.service import list_users
from app.errors import Problem
from tests.support.app import CREDENTIALS, SECRET, RunningApp, is_signed_in, problem
from tests.support.mailbox import redeem
from tests.support.races import at_once

Operation = Callable[[RunningApp, UUID], Awaitable[None]]

NOBODY = UUID("01890000-0000-7000-8000-000000000000")


async def suspend(app: RunningApp, user_id: UUID) -> None:
    await suspend_user(OPERATOR, app.resources, user_id)


async def restore(app: RunningApp, user_id: UUID) -> None:
    await restore_user(OPERATOR, app.resources, user_id)


async def grant_admin(app: RunningApp, user_id: UUID) -> None:
    await set_platform_role(OPERATOR, app.resources, user_id, "admin")


async def revoke_admin(app: RunningApp, user_id: UUID) -> None:
    await set_platform_role(OPERATOR, app.resources, user_id, None)


async def refusal(operation: Awaitable[None]) -> str:
    with pytest.raises(Problem) as raised:
        await operation
    return raised.value.code


async def admins(app: RunningApp) -> int:
    count = "SELECT count(*) FROM users WHERE platform_role = 'admin' AND status = 'active'"
    return int(await app.resources.database.pool.fetchval(count))


async def sign_in(app: RunningApp, email: str = "ada@example.org") -> int:
    return (await app.client().post("/api/session", json={**CREDENTIALS, "email": email})).status_code


async def test_a_suspended_user_is_out_at_once_and_stays_out(app: RunningApp) -> None:
    user_id = await app.user()
    client = app.with_cookie(await app.token(user_id))
    await suspend_user(OPERATOR, app.resources, user_id)
    assert not await is_signed_in(client)
    assert await sign_in(app) == 401
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_restored_user_signs_in_anew_and_no_old_session_comes_back(app: RunningApp) -> None:
    user_id = await app.user()
    client = app.with_cookie(await app.token(user_id))
    await suspend_user(OPERATOR, app.resources, user_id)
    await restore_user(OPERATOR, app.resources, user_id)
    assert not await is_signed_in(client)
    assert await sign_in(app) == 201


async def test_suspension_voids_the_links_that_are_out(app: RunningApp) -> None:
    link = await create_user_with_link(OPERATOR, app.resources, "ada@example.org", "Ada", None)
    user_id = await find_user(app.resources, "ada@example.org")
    await suspend_user(OPERATOR, app.resources, user_id)
    await restore_user(OPERATOR, app.resources, user_id)
    body = {"token": link.partition("#token=")[2], "name": "Ada", "secret": SECRET}
    assert problem(await app.client().post("/api/keys/redeem", json=body))["code"] == "key_not_usable"


async def test_a_gained_role_never_joins_an_old_session(app: RunningApp) -> None:
    user_id = await app.user()
    client = app.with_cookie(await app.token(user_id))
    await set_platform_role(OPERATOR, app.resources, user_id, "admin")
    assert not await is_signed_in(client)
    admin = app.with_cookie(await app.token(user_id, admin=True))
    assert (await admin.get("/api/session")).json()["user"]["platformRole"] == "admin"


async def test_a_lost_role_is_gone_from_the_very_next_request(app: RunningApp) -> None:
    await app.user("root@example.org", admin=True)
    user_id = await app.user(admin=True)
    client = app.with_cookie(await app.token(user_id, admin=True))
    assert (await client.delete("/api/languages/de")).status_code == 404
    await set_platform_role(OPERATOR, app.resources, user_id, None)
    assert (await client.delete("/api/languages/de")).status_code == 403
    assert await is_signed_in(client)


@pytest.mark.parametrize("operation", [suspend, revoke_admin])
async def test_the_last_platform_admin_stays(app: RunningApp, operation: Operation) -> None:
    admin = await app.user(admin=True)
    assert await refusal(operation(app, admin)) == "last_admin"
    assert await admins(app) == 1


@pytest.mark.parametrize("operation", [suspend, revoke_admin])
async def test_of_all_platform_admins_removed_at_once_one_stays(app: RunningApp, operation: Operation) -> None:
    ids = [await app.user(f"admin{number}@example.org", admin=True) for number in range(4)]

    async def remove(number: int) -> bool:
        try:
            await operation(app, ids[number])
        except Problem:
            return False
        return True

    assert sum(await at_once(4, remove)) == 3
    assert await admins(app) == 1


async def test_a_suspended_admin_is_not_the_one_who_stays(app: RunningApp) -> None:
    suspended, active = await app.user(admin=True), await app.user("eve@example.org", admin=True)
    await suspend_user(OPERATOR, app.resources, suspended)
    assert await refusal(set_platform_role(OPERATOR, app.resources, active, None)) == "last_admin"
    await set_platform_role(OPERATOR, app.resources, suspended, None)
    assert await admins(app) == 1


async def test_an_admin_who_has_not_accepted_yet_is_not_the_one_who_stays(app: RunningApp) -> None:
    active = await app.user(admin=True)
    await create_user_with_link(OPERATOR, app.resources, "eve@example.org", "", "admin")
    assert await refusal(set_platform_role(OPERATOR, app.resources, active, None)) == "last_admin"


async def test_an_invitation_outlives_the_grant_of_the_platform_role(app: RunningApp) -> None:
    token = await app.invitation("eve@example.org")
    await set_platform_role(OPERATOR, app.resources, await find_user(app.resources, "eve@example.org"), "admin")
    accepted = await redeem(app.client(), token=token, name="Eve", secret=SECRET)
    assert (accepted.status_code, accepted.json()["user"]["platformRole"]) == (201, "admin")


async def test_suspending_an_ordinary_user_needs_no_admin_to_spare(app: RunningApp) -> None:
    await app.user(admin=True)
    await suspend_user(OPERATOR, app.resources, await app.user("eve@example.org"))
    assert await sign_in(app, "eve@example.org") == 401


@pytest.mark.parametrize("operation", [suspend, restore, grant_admin, revoke_admin])
async def test_an_unknown_user_is_not_found(app: RunningApp, operation: Operation) -> None:
    assert await refusal(operation(app, NOBODY)) == "not_found"


async def test_an_unknown_address_is_not_found(app: RunningApp) -> None:
    with pytest.raises(Problem, match="no user with this address"):
        await find_user(app.resources, "nobody@example.org")


async def test_users_are_paged_in_the_order_they_were_made(app: RunningApp) -> None:
    made = [await app.user(f"user{number}@example.org") for number in range(5)]
    first = await list_users(app.resources, None, 3)
    rest = await list_users(app.resources, (first[-1].created_at, first[-1].id), 3)
    assert [user.id for user in first + rest] == made
    assert await list_users(app.resources, (rest[-1].created_at, rest[-1].id), 3) == []


async def test_a_change_notes_its_time(app: RunningApp) -> None:
    user_id = await app.user()
    app.clock.forward(days=1)
    await set_platform_role(OPERATOR, app.resources, user_id, "admin")
    assert await app.resources.database.pool.fetchval("SELECT updated_at FROM users") == app.clock()
