"""Races for tests: coroutines that start at the same moment, or that wait for a row lock in a known order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tests.support.app import RunningApp

T = TypeVar("T")

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
QUEUE_SECONDS = 10


async def at_once(count: int, work: Callable[[int], Awaitable[T]]) -> list[T]:
    """Run `work` `count` times, with the numbers from 0, all starting at the same moment. Returns their results."""
    barrier = asyncio.Barrier(count)

    async def start(number: int) -> T:
        await barrier.wait()
        return await work(number)

    return await asyncio.gather(*map(start, range(count)))


class Queue:
    """Coroutines that wait for the same rows, and get their locks in the order in which they were added."""

    def __init__(self, app: RunningApp) -> None:
        self._pool = app.resources.database.pool
        self.tasks: list[asyncio.Task[Any]] = []

    async def add(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `work`. Returns when it waits for a lock or is done."""
        task = asyncio.create_task(work)
        self.tasks.append(task)
        async with asyncio.timeout(QUEUE_SECONDS):
            while await self._waiting() < len(self.tasks):
                await asyncio.wait([task], timeout=0.001)
        return task

    async def _waiting(self) -> int:
        """The number of tasks that wait for a lock or are done."""
        blocked: int = await self._pool.fetchval(WAITING)
        return blocked + sum(task.done() for task in self.tasks)


@asynccontextmanager
async def queued(app: RunningApp, lock: str, *arguments: object) -> AsyncIterator[Queue]:
    """A queue for the rows that the statement `lock` locks. The end of the context unlocks them and waits for all."""
    queue = Queue(app)
    async with app.resources.database.pool.acquire() as connection, connection.transaction():
        await connection.execute(lock, *arguments)
        yield queue
    await asyncio.gather(*queue.tasks, return_exceptions=True)
