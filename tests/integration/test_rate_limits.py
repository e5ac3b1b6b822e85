"""Windows of rate limits as they are counted in the database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from app.errors import Problem
from app.postgres.counters import PostgresCounters, delete_closed
from app.postgres.database import Database
from app.rate_limits import RateLimits, Use
from app.settings.limits import Limit, parse_windows
from tests.support.app import RunningApp
from tests.support.races import at_once, queued

Hit = Callable[[], Awaitable[int]]
TABLE = {
    name: Limit(default, name) for name, default in [("mail", "1/30 seconds;5/hour"), ("client", "60/minute;90/hour")]
}
LIMITS = {name: parse_windows(limit.default) for name, limit in TABLE.items()}
WINDOWS = "SELECT hits, expires_at FROM rate_limits ORDER BY expires_at"


@pytest.fixture
def limits(app: RunningApp) -> RateLimits:
    """The limits of `TABLE`, counted in the database."""
    return RateLimits(PostgresCounters(app.resources.database), app.clock, LIMITS, TABLE)


@pytest.fixture
def hit(limits: RateLimits) -> Hit:
    """A hit of the limit 1/30 seconds;5/hour, which gives the seconds to wait, or 0 where it is accepted."""

    async def hit() -> int:
        try:
            await limits.hit("mail", "ada@example.org")
        except Problem as problem:
            return int(problem.headers["Retry-After"])
        return 0

    return hit


async def windows(app: RunningApp) -> list[tuple[int, float]]:
    """The hits of each window, and the seconds from now to its end."""
    rows = await app.resources.database.pool.fetch(WINDOWS)
    return [(row["hits"], (row["expires_at"] - app.clock()).total_seconds()) for row in rows]


async def test_a_window_opens_with_its_first_hit_and_its_end_stays(app: RunningApp, hit: Hit) -> None:
    assert await hit() == 0
    app.clock.forward(seconds=10)
    assert [await hit(), await hit()] == [20, 20]
    assert await windows(app) == [(1, 20), (1, 3590)]

    app.clock.forward(seconds=20)
    assert await hit() == 0
    assert await windows(app) == [(1, 30), (2, 3570)]


async def test_a_refused_hit_is_counted_in_no_window(app: RunningApp, hit: Hit) -> None:
    for _ in range(4):
        assert await hit() == 0
        assert [await hit() for _ in range(3)] == [30, 30, 30]
        app.clock.forward(seconds=30)
    assert await hit() == 0
    assert await windows(app) == [(1, 30), (5, 3600 - 4 * 30)]


async def test_a_refusal_tells_the_time_to_the_end_of_the_last_full_window(app: RunningApp, hit: Hit) -> None:
    for _ in range(5):
        assert await hit() == 0
        app.clock.forward(seconds=30)
    app.clock.forward(seconds=-1)
    assert await hit() == 3600 - 149

    app.clock.forward(seconds=3600 - 149)
    assert await hit() == 0


async def test_of_hits_at_once_as_many_are_accepted_as_the_limit_allows(app: RunningApp, hit: Hit) -> None:
    waits = await at_once(16, lambda _: hit())

    assert sorted(waits) == [0] + [30] * 15
    assert await windows(app) == [(1, 30), (1, 3600)]


async def test_a_hit_is_one_statement_whether_it_is_accepted_or_refused(app: RunningApp, database_url: str) -> None:
    statements: list[str] = []

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        statements.append(query.query)

    async with Database(database_url, 1).connected() as database:
        async with database.pool.acquire() as connection:
            connection.add_query_logger(note)
        limits = RateLimits(PostgresCounters(database), app.clock, LIMITS, TABLE)
        await limits.hit("mail", "ada@example.org")
        with pytest.raises(Problem):
            await limits.hit("mail", "ada@example.org")
    assert len(statements) == 2, statements


async def test_closed_windows_are_deleted_but_for_those_that_a_hit_holds(app: RunningApp, hit: Hit) -> None:
    database = app.resources.database
    await hit()
    app.clock.forward(seconds=3600)
    now = app.clock()
    async with asyncio.timeout(10), database.pool.acquire() as connection, connection.transaction():
        hour = "SELECT key FROM rate_limits WHERE key LIKE '%/3600' FOR UPDATE"
        assert await connection.fetchval(hour) is not None
        async with database.transaction() as transaction:
            assert await delete_closed(transaction, now - timedelta(hours=1), 10) == 0
            assert await delete_closed(transaction, now, 10) == 1
    async with database.transaction() as transaction:
        assert await delete_closed(transaction, now, 10) == 1


ADA = Use("mail", "ada@example.org")
BOB = Use("mail", "bob@example.org")
OFFICE = Use("client", "192.0.2.1")


async def accepted(limits: RateLimits, *uses: Use) -> bool:
    try:
        await limits.hit_all(*uses)
    except Problem:
        return False
    return True


async def hits_of(app: RunningApp, name: str) -> list[int]:
    """The hits of all windows of a limit, fewest first."""
    keys = "SELECT hits FROM rate_limits WHERE key LIKE $1 || '/%' ORDER BY hits"
    return [row["hits"] for row in await app.resources.database.pool.fetch(keys, name)]


async def test_several_uses_are_counted_together_or_not_at_all(app: RunningApp, limits: RateLimits) -> None:
    assert await accepted(limits, OFFICE, ADA)
    assert not await accepted(limits, OFFICE, ADA)
    assert not await accepted(limits, BOB, ADA, OFFICE)
    assert (await hits_of(app, "client"), await hits_of(app, "mail")) == ([1, 1], [1, 1])

    assert await accepted(limits, BOB, OFFICE)
    assert await hits_of(app, "client") == [2, 2]


async def test_no_use_is_accepted_without_a_statement(app: RunningApp, limits: RateLimits) -> None:
    assert await accepted(limits)
    assert await windows(app) == []


async def test_a_use_that_loses_a_race_is_counted_in_none_of_its_limits(app: RunningApp, limits: RateLimits) -> None:
    assert await accepted(limits, ADA)
    await limits.refund(ADA)
    async with queued(app, "SELECT FROM rate_limits FOR UPDATE") as queue:
        tasks = [await queue.add(accepted(limits, OFFICE, ADA)) for _ in range(3)]

    assert [task.result() for task in tasks] == [True, False, False]
    assert (await hits_of(app, "client"), await hits_of(app, "mail")) == ([1, 1], [1, 1])


async def test_uses_refunds_and_resets_that_cross_do_not_deadlock(limits: RateLimits) -> None:
    uses = [Use("client", f"192.0.2.{number}") for number in range(6)]

    async def cross(number: int) -> bool:
        order = uses[number % 6 :] + uses[: number % 6]
        taken = await accepted(limits, *(order if number % 2 else reversed(order)))
        if number % 3 == 0:
            await limits.refund(*order)
        if number % 7 == 0:
            await limits.refund(forgotten=[*reversed(order)])
        return taken

    async with asyncio.timeout(10):
        taken = await at_once(50, cross)

    assert sum(taken) == 50


async def test_a_refund_takes_back_one_use_and_none_that_was_not_counted(app: RunningApp, limits: RateLimits) -> None:
    await limits.refund(ADA)
    assert await windows(app) == []
    assert await accepted(limits, ADA, OFFICE)
    assert await accepted(limits, OFFICE)

    await limits.refund(ADA, OFFICE)
    assert (await hits_of(app, "mail"), await hits_of(app, "client")) == ([0, 0], [1, 1])

    await at_once(8, lambda _: limits.refund(ADA, OFFICE))
    assert (await hits_of(app, "mail"), await hits_of(app, "client")) == ([0, 0], [0, 0])
    assert await accepted(limits, ADA)


async def test_a_window_that_has_ended_is_not_refunded(app: RunningApp, limits: RateLimits) -> None:
    assert await accepted(limits, ADA)
    app.clock.forward(seconds=30)

    await limits.refund(ADA)
    assert await hits_of(app, "mail") == [0, 1]
