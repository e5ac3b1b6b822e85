"""The database: one engine for transactions, one direct asyncpg pool for single statements that must be fast."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

# A server that does not even refuse is told from a slow one after this long.
CONNECT_SECONDS = 10.0

# No connection, a server that starts or stops, one without room for us, or one that gave way to another transaction.
# `TimeoutError` is an `OSError`.
OUTAGES = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.DeadlockDetectedError,
)


class Database:
    """One Postgres, two ways in: `transaction()`, and `pool` for single prepared statements.

    Made without touching the network; usable inside `connected()`.
    """

    def __init__(self, dsn: str, pool_size: int) -> None:
        """`dsn` is `postgresql://…`; each of the two ways in has at most `pool_size` connections."""
        self._dsn = dsn
        self._pool_size = pool_size
        self.engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,  # they hold hashes, and errors are logged
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.pool: asyncpg.Pool[asyncpg.Record]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Database"]:
        """Connect, and disconnect at the end.

        Raises `OSError` or `asyncpg.PostgresError` where the server cannot be reached or refuses.
        """
        try:
            async with asyncpg.create_pool(
                self._dsn, min_size=1, max_size=self._pool_size, reset=_leave_as_is, timeout=CONNECT_SECONDS
            ) as self.pool:
                yield self
        finally:
            await self.engine.dispose()

    async def server_version(self) -> int:
        """The server's major version."""
        async with self.pool.acquire() as connection:
            return connection.get_server_version().major

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: leaving the block commits, and only then has anything happened; an exception rolls back.

        An error of the commit itself (a deferred constraint, a lost connection) is raised here, before any answer is
        built. What must survive a failing request, such as a counted attempt, takes a transaction of its own.
        """
        async with self._sessions() as session, session.begin():
            yield session

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call `heard` at every notification on `channel`, over a connection of its own, until that is lost.

        `heard` is called once at the start too, for what was notified before. Raises as `connected` does.
        """
        connection = await self._connect()
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(channel, lambda *_: heard())
            heard()
            await lost.wait()
        finally:
            await connection.close()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(self._dsn, timeout=CONNECT_SECONDS)
        return connection


def is_outage(error: BaseException) -> bool:
    """Whether the error tells that the database cannot do it right now, and not that we asked it something wrong."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OUTAGES) or (isinstance(cause, DBAPIError) and cause.connection_invalidated):
            return True
        cause = cause.__cause__
    return False


async def _leave_as_is(connection: object) -> None:
    """No reset at release: the pool's statements stand alone and change no session state, and each reset is a
    round trip on the authorised request."""
