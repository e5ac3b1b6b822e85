"""Users: suspension, the platform role, the last platform admin, and the list."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import create_user_with_link, restore_user, set_platform_role, suspend_user
from app.domain.keys.service import user_id_of_email
from app.domain.users.service import list_users
from app.errors import Problem
from tests.support.app import CREDENTIALS, SECRET, RunningApp, is_signed_in, problem
from tests.support.mailbox import redeem
from tests.support.races import at_once

Operation = Callable[[RunningApp, UUID], Awaitable[None]]

UNKNOWN_ID = UUID("01890000-0000-7000-8000-000000000000")


async def suspend(app: RunningApp, user_id: UUID) -> None:
    await suspend_user(OPERATOR, app.resources, user_id)


async def restore(app: RunningApp, user_id: UUID) -> None:
    await restore_user(OPERATOR, app.resources, user_id)


async def grant_admin(app: RunningApp, user_id: UUID) -> None:
    await set_platform_role(OPERATOR, app.resources, user_id, "admin")


async def revoke_admin(app: RunningApp, user_id: UUID) -> None:
    await set_platform_role(OPERATOR, app.resources, user_id, None)


async def problem_code(operation: Awaitable[None]) -> str:
    """The code of the problem that the operation raises."""
    with pytest.raises(Problem) as raised:
        await operation
    return raised.value.code


async def count_admins(app: RunningApp) -> int:
    """The number of active platform admins."""
    count = "SELECT count(*) FROM users WHERE platform_role = 'admin' AND status = 'active'"
    return int(await app.resources.database.pool.fetchval(count))


async def sign_in(app: RunningApp, email: str = "ada@example.org") -> int:
    """The status of a sign-in with the right secret."""
    return (await app.client().post("/api/session", json={**CREDENTIALS, "email": email})).status_code


async def test_suspension_ends_all_sessions_and_prevents_sign_in(app: RunningApp) -> None:
    user_id = await app.user()
    client = app.with_cookie(await app.token(user_id))
    await suspend_user(OPERATOR, app.resources, user_id)
    assert not await is_signed_in(client)
    assert await sign_in(app) == 401
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_restored_user_can_sign_in_and_old_sessions_stay_ended(app: RunningApp) -> None:
    user_id = await app.user()
    client = app.with_cookie(await app.token(user_id))
    await suspend_user(OPERATOR, app.resources, user_id)
    await restore_user(OPERATOR, app.resources, user_id)
    assert not await is_signed_in(client)
    assert await sign_in(app) == 201


async def test_suspension_voids_outstanding_links(app: RunningApp) -> None:
    link = await create_user_with_link(OPERATOR, app.resources, "ada@example.org", "Ada", None)
    user_id = await user_id_of_email(app.resources, "ada@example.org")
    await suspend_user(OPERATOR, app.resources, user_id)
    await restore_user(OPERATOR, app.resources, user_id)
    body = {"token": link.partition("#token=")[2], "name": "Ada", "secret": SECRET}
    assert problem(await app.client().post("/api/keys/redeem", json=body))["code"] == "key_not_usable"


async def test_granting_the_platform_role_ends_all_sessions(app: RunningApp) -> None:
    user_id = await app.user()
    client = app.with_cookie(await app.token(user_id))
    await set_platform_role(OPERATOR, app.resources, user_id, "admin")
    assert not await is_signed_in(client)
    admin = app.with_cookie(await app.token(user_id, admin=True))
    assert (await admin.get("/api/session")).json()["user"]["platformRole"] == "admin"


async def test_a_revoked_platform_role_has_no_effect_from_the_next_request_on(app: RunningApp) -> None:
    await app.user("root@example.org", admin=True)
    user_id = await app.user(admin=True)
    client = app.with_cookie(await app.token(user_id, admin=True))
    assert (await client.delete("/api/languages/de")).status_code == 404
    await set_platform_role(OPERATOR, app.resources, user_id, None)
    assert (await client.delete("/api/languages/de")).status_code == 403
    assert await is_signed_in(client)


@pytest.mark.parametrize("operation", [suspend, revoke_admin])
async def test_the_last_platform_admin_cannot_be_suspended_or_lose_the_role(
    app: RunningApp, operation: Operation
) -> None:
    admin = await app.user(admin=True)
    assert await problem_code(operation(app, admin)) == "last_admin"
    assert await count_admins(app) == 1


@pytest.mark.parametrize("operation", [suspend, revoke_admin])
async def test_one_platform_admin_remains_if_all_are_removed_concurrently(
    app: RunningApp, operation: Operation
) -> None:
    ids = [await app.user(f"admin{number}@example.org", admin=True) for number in range(4)]

    async def remove(number: int) -> bool:
        try:
            await operation(app, ids[number])
        except Problem:
            return False
        return True

    assert sum(await at_once(4, remove)) == 3
    assert await count_admins(app) == 1


async def test_a_suspended_admin_does_not_count_as_a_remaining_admin(app: RunningApp) -> None:
    suspended, active = await app.user(admin=True), await app.user("eve@example.org", admin=True)
    await suspend_user(OPERATOR, app.resources, suspended)
    assert await problem_code(set_platform_role(OPERATOR, app.resources, active, None)) == "last_admin"
    await set_platform_role(OPERATOR, app.resources, suspended, None)
    assert await count_admins(app) == 1


async def test_an_invited_admin_does_not_count_as_a_remaining_admin(app: RunningApp) -> None:
    active = await app.user(admin=True)
    await create_user_with_link(OPERATOR, app.resources, "eve@example.org", "", "admin")
    assert await problem_code(set_platform_role(OPERATOR, app.resources, active, None)) == "last_admin"


async def test_an_invitation_stays_usable_after_a_grant_of_the_platform_role(app: RunningApp) -> None:
    token = await app.invitation("eve@example.org")
    await set_platform_role(OPERATOR, app.resources, await user_id_of_email(app.resources, "eve@example.org"), "admin")
    accepted = await redeem(app.client(), token=token, name="Eve", secret=SECRET)
    assert (accepted.status_code, accepted.json()["user"]["platformRole"]) == (201, "admin")


async def test_an_ordinary_user_can_be_suspended_while_there_is_one_admin(app: RunningApp) -> None:
    await app.user(admin=True)
    await suspend_user(OPERATOR, app.resources, await app.user("eve@example.org"))
    assert await sign_in(app, "eve@example.org") == 401


@pytest.mark.parametrize("operation", [suspend, restore, grant_admin, revoke_admin])
async def test_an_unknown_user_is_not_found(app: RunningApp, operation: Operation) -> None:
    assert await problem_code(operation(app, UNKNOWN_ID)) == "not_found"


async def test_an_unknown_address_is_not_found(app: RunningApp) -> None:
    with pytest.raises(Problem, match="no user with this address"):
        await user_id_of_email(app.resources, "nobody@example.org")


async def test_users_are_paged_in_order_of_creation(app: RunningApp) -> None:
    created_ids = [await app.user(f"user{number}@example.org") for number in range(5)]
    first = await list_users(app.resources, None, 3)
    rest = await list_users(app.resources, (first[-1].created_at, first[-1].id), 3)
    assert [user.id for user in first + rest] == created_ids
    assert await list_users(app.resources, (rest[-1].created_at, rest[-1].id), 3) == []


async def test_a_change_of_the_platform_role_sets_updated_at(app: RunningApp) -> None:
    user_id = await app.user()
    app.clock.forward(days=1)
    await set_platform_role(OPERATOR, app.resources, user_id, "admin")
    assert await app.resources.database.pool.fetchval("SELECT updated_at FROM users") == app.clock()
