"""Race condition: concurrent removals of platform admins each find another admin, and together leave none."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import set_platform_role, suspend_user
from app.errors import Problem
from tests.support.app import RunningApp
from tests.support.races import at_once

CONCURRENT = 16

Removal = Callable[[RunningApp, UUID], Awaitable[None]]


async def _suspend(app: RunningApp, user: UUID) -> None:
    await suspend_user(OPERATOR, app.resources, user)


async def _demote(app: RunningApp, user: UUID) -> None:
    await set_platform_role(OPERATOR, app.resources, user, None)


async def _remaining(app: RunningApp) -> int:
    statement = "SELECT count(*) FROM users WHERE platform_role = 'admin' AND status = 'active'"
    count: int = await app.resources.database.pool.fetchval(statement)
    return count


async def _refused(work: Awaitable[None]) -> bool:
    try:
        await work
    except Problem as problem:
        if problem.code != "last_admin":
            raise
        return True
    return False


@pytest.mark.parametrize("removals", [(_suspend, _suspend), (_demote, _demote), (_suspend, _demote)])
async def test_one_of_all_admins_who_are_removed_at_once_remains(
    app: RunningApp, removals: tuple[Removal, Removal]
) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        admins = [await app.user(f"admin{number}@example.org", admin=True) for number in range(CONCURRENT)]

        refused = await at_once(CONCURRENT, lambda number: _refused(removals[number % 2](app, admins[number])))  # noqa: B023

        assert refused.count(True) == 1
        assert await _remaining(app) == 1


@pytest.mark.parametrize("removal", [_suspend, _demote])
async def test_removing_one_admin_many_times_leaves_the_other_admin(app: RunningApp, removal: Removal) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        removed, _ = await app.user("gone@example.org", admin=True), await app.user("stays@example.org", admin=True)

        await at_once(CONCURRENT, lambda _: _refused(removal(app, removed)))  # noqa: B023

        assert await _remaining(app) == 1


async def test_a_suspended_admin_does_not_count_as_another_admin(app: RunningApp) -> None:
    suspended, remaining = await app.user("a@example.org", admin=True), await app.user("b@example.org", admin=True)
    await suspend_user(OPERATOR, app.resources, suspended)

    assert await _refused(set_platform_role(OPERATOR, app.resources, remaining, None))
    assert await _refused(suspend_user(OPERATOR, app.resources, remaining))
    assert await _remaining(app) == 1
