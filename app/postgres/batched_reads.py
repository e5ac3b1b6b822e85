"""Reads of single rows that share statements while many requests ask for them at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar

# Two, so that the database works while the rows of the last statement are handed out.
UNDER_WAY: Final = 2
# A statement that hangs, for example on a connection that is cut, keeps further reads waiting no longer than this.
PATIENCE_SECONDS: Final = 0.05
KEYS_MAX: Final = 100

K = TypeVar("K")
V = TypeVar("V")


class BatchedReads(Generic[K, V]):
    """Reads by key, sent at once where few are under way; those that wait are sent together, as one statement.

    A read sees everything that was committed before it was asked for, because its statement is sent afterwards.
    """

    def __init__(self, read_all: Callable[[list[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`read_all` reads the values of several keys. It leaves out the keys that have none."""
        self._read_all = read_all
        self._waiting: list[tuple[K, asyncio.Future[V | None]]] = []
        self._tasks = set[asyncio.Task[None]]()
        self._sent_at = 0.0

    async def read(self, key: K) -> V | None:
        """The value of the key. Raises as `read_all` does."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[V | None] = loop.create_future()
        self._waiting.append((key, found))
        if len(self._tasks) < UNDER_WAY or loop.time() - self._sent_at > PATIENCE_SECONDS:
            # A task of its own: the request that asked first may be cancelled.
            task = loop.create_task(self._send())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await found

    async def _send(self) -> None:
        """Send statements until nobody waits."""
        while self._waiting:
            reads, self._waiting = self._waiting[:KEYS_MAX], self._waiting[KEYS_MAX:]
            self._sent_at = asyncio.get_running_loop().time()
            waiting = [(key, found) for key, found in reads if not found.done()]  # the others are cancelled
            if not waiting:
                continue
            try:
                values = await self._read_all([key for key, _ in waiting])
            except Exception as error:  # noqa: BLE001 # whoever waits raises it
                for _, found in waiting:
                    if not found.done():
                        found.set_exception(error)
            else:
                for key, found in waiting:
                    if not found.done():
                        found.set_result(values.get(key))
