"""Windows of rate limits as they are counted in the database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from app.errors import Problem
from app.postgres.database import Database
from app.rate_limits import RateLimits, delete_closed
from tests.support.app import RunningApp
from tests.support.races import at_once

Hit = Callable[[], Awaitable[int]]
WINDOWS = "SELECT hits, expires_at FROM rate_limits ORDER BY expires_at"


@pytest.fixture
def hit(app: RunningApp) -> Hit:
    """A hit of the limit 1/30 seconds;5/hour, which gives the seconds to wait, or 0 where it is accepted."""
    limits = RateLimits(app.resources.database, app.clock)

    async def hit() -> int:
        try:
            await limits.hit("notice_to_address", "ada@example.org")
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
    [_, hour] = await windows(app)
    assert hour == (1, 3600)


async def test_a_hit_is_one_statement_whether_it_is_accepted_or_refused(app: RunningApp, database_url: str) -> None:
    statements: list[str] = []

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        statements.append(query.query)

    async with Database(database_url, 1).connected() as database:
        async with database.pool.acquire() as connection:
            connection.add_query_logger(note)
        limits = RateLimits(database, app.clock)
        await limits.hit("notice_to_address", "ada@example.org")
        with pytest.raises(Problem):
            await limits.hit("notice_to_address", "ada@example.org")
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
