"""Races for tests: rivals that start at the same moment, or that wait for a row in a known order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tests.support.app import RunningApp

T = TypeVar("T")

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
QUEUE_SECONDS = 10


async def at_once(count: int, work: Callable[[int], Awaitable[T]]) -> list[T]:
    """What `count` rivals get that all start at the same moment; each is told its number."""
    barrier = asyncio.Barrier(count)

    async def rival(number: int) -> T:
        await barrier.wait()
        return await work(number)

    return await asyncio.gather(*map(rival, range(count)))


class Queue:
    """Work that waits in the database, in the order it was added."""

    def __init__(self, app: RunningApp) -> None:
        self._pool = app.resources.database.pool
        self.tasks: list[asyncio.Task[Any]] = []

    async def add(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `work`, and come back when it waits for a lock, or is done."""
        task = asyncio.create_task(work)
        self.tasks.append(task)
        async with asyncio.timeout(QUEUE_SECONDS):
            while await self._waiting() < len(self.tasks):
                await asyncio.wait([task], timeout=0.001)
        return task

    async def _waiting(self) -> int:
        blocked: int = await self._pool.fetchval(WAITING)
        return blocked + sum(task.done() for task in self.tasks)


@asynccontextmanager
async def queued(app: RunningApp, lock: str, *arguments: object) -> AsyncIterator[Queue]:
    """A queue for the rows that the statement `lock` locks; they are free at the end of the context."""
    queue = Queue(app)
    async with app.resources.database.pool.acquire() as connection, connection.transaction():
        await connection.execute(lock, *arguments)
        yield queue
    await asyncio.gather(*queue.tasks, return_exceptions=True)
