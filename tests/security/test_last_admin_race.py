"""The last admin: two removals at the same moment, each of which leaves the other one, leave nobody."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from app.errors import Problem
from tests.support.app import World
from tests.support.races import at_once

RIVALS = 16

Removal = Callable[[World, UUID], Awaitable[None]]


async def _suspend(world: World, user: UUID) -> None:
    await world.services.users.suspend(user)


async def _demote(world: World, user: UUID) -> None:
    await world.services.users.revoke_admin(user)


async def _remaining(world: World) -> int:
    statement = "SELECT count(*) FROM users WHERE platform_role = 'admin' AND status = 'active'"
    count: int = await world.services.database.pool.fetchval(statement)
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
async def test_of_all_admins_that_are_removed_at_once_one_remains(
    world: World, removals: tuple[Removal, Removal]
) -> None:
    for _ in range(5):
        await world.services.database.pool.execute("TRUNCATE users CASCADE")
        admins = [await world.user(f"admin{number}@example.org", admin=True) for number in range(RIVALS)]

        refused = await at_once(RIVALS, lambda number: _refused(removals[number % 2](world, admins[number])))  # noqa: B023

        assert refused.count(True) == 1
        assert await _remaining(world) == 1


@pytest.mark.parametrize("removal", [_suspend, _demote])
async def test_removing_the_same_admin_twice_leaves_the_other_one(world: World, removal: Removal) -> None:
    for _ in range(5):
        await world.services.database.pool.execute("TRUNCATE users CASCADE")
        gone, _ = await world.user("gone@example.org", admin=True), await world.user("stays@example.org", admin=True)

        await at_once(RIVALS, lambda _: _refused(removal(world, gone)))  # noqa: B023

        assert await _remaining(world) == 1


async def test_a_suspended_admin_does_not_count(world: World) -> None:
    suspended, last = await world.user("a@example.org", admin=True), await world.user("b@example.org", admin=True)
    await world.services.users.suspend(suspended)

    assert await _refused(world.services.users.revoke_admin(last))
    assert await _refused(world.services.users.suspend(last))
    assert await _remaining(world) == 1
