"""The asyncpg pool for single statements, which does not wait for ever for a connection."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, cast

import asyncpg
from asyncpg.pool import PoolAcquireContext

if TYPE_CHECKING:
    AsyncpgPool = asyncpg.Pool[asyncpg.Record]
    AcquireContext = PoolAcquireContext[asyncpg.Record]
else:
    AsyncpgPool, AcquireContext = asyncpg.Pool, PoolAcquireContext

Connect = Callable[..., Coroutine[None, None, "asyncpg.Connection[asyncpg.Record]"]]


class Pool(AsyncpgPool):
    """A pool whose `acquire`, and all that uses it, raises `TimeoutError` if no connection is free in time.

    The statements on it change no session state: a connection returns to the pool without a reset, which would cost
    each authorised request a round trip. No connection is kept open without use: to restore one in the background,
    asyncpg would log a traceback for each failure while the database is away.
    """

    def __init__(
        self, connect: Connect, max_size: int, acquire_seconds: float, on_read_only: Callable[[], Awaitable[None]]
    ) -> None:
        """`on_read_only` is called when the server has refused a statement because it takes no writes."""
        super().__init__(
            init_size=1,
            min_size=0,
            max_size=max_size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            connect=connect,
            reset=_skip_reset,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
        )
        self._acquire_seconds = acquire_seconds
        self.on_read_only = on_read_only

    def acquire(self, *, timeout: float | None = None) -> AcquireContext:
        """A connection, within `timeout` seconds or the pool's own limit.

        Only a wait for other users of the pool needs a timer, which takes a seventh of the time of a statement: a free
        connection is given at once, and to open one has a limit of its own.
        """
        must_wait = self._queue.empty()  # type: ignore[attr-defined] # the stubs leave it out
        return _Acquired(self, timeout or (self._acquire_seconds if must_wait else None))


class _Acquired(AcquireContext):
    """A connection of the pool while the context lasts."""

    def __aexit__(self, *error: object) -> Coroutine[None, None, None]:
        release = super().__aexit__(*error)
        return self._expire_after(release) if error[0] is asyncpg.ReadOnlySQLTransactionError else release

    async def _expire_after(self, release: Awaitable[None]) -> None:
        await release
        await cast("Pool", self.pool).on_read_only()


async def _skip_reset(connection: object) -> None:
    """Leave the connection as it is."""
