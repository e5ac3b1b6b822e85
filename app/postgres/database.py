"""The database: a SQLAlchemy engine for transactions, and an asyncpg pool for single statements that must be fast."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

# How long to wait for a connection to a host that does not answer.
CONNECT_SECONDS = 10.0

# No connection, a server that is starting or stopping, a server without free connections or memory, a deadlock.
# `TimeoutError` is an `OSError`.
OUTAGES = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.DeadlockDetectedError,
)


class Database:
    """One PostgreSQL database: `transaction()` for units of work, `pool` for single prepared statements.

    The constructor opens no connection. Everything else needs the context `connected()`.
    """

    def __init__(self, dsn: str, pool_size: int) -> None:
        """`dsn` starts with `postgresql://`. The engine and the pool have at most `pool_size` connections each."""
        self._dsn = dsn
        self._pool_size = pool_size
        self.engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,  # errors are logged, and parameters include hashes
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.pool: asyncpg.Pool[asyncpg.Record]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Database"]:
        """Connect, and disconnect at the end of the context.

        Raises `OSError` if the server cannot be reached, and `asyncpg.PostgresError` if it refuses the connection.
        """
        try:
            async with asyncpg.create_pool(
                self._dsn, min_size=1, max_size=self._pool_size, reset=_skip_reset, timeout=CONNECT_SECONDS
            ) as self.pool:
                yield self
        finally:
            await self.engine.dispose()

    async def server_version(self) -> int:
        """The major version of the server, for example 18."""
        async with self.pool.acquire() as connection:
            return connection.get_server_version().major

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: the end of the block commits, an exception rolls back.

        An error of the commit itself (a deferred constraint, a lost connection) is raised at the end of the block, so
        before a response is built. A write that must outlive a failing request, such as a counted attempt, needs its
        own transaction.
        """
        async with self._sessions() as session, session.begin():
            yield session

    async def listen(self, channel: str, on_notification: Callable[[], None]) -> None:
        """Call `on_notification` for each NOTIFY on `channel`. Returns when the connection is lost.

        It is also called once at the start, because earlier notifications may have been missed. Opens a connection of
        its own. Raises like `connected`.
        """
        connection = await self._connect()
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(channel, lambda *_: on_notification())
            on_notification()
            await lost.wait()
        finally:
            await connection.close()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(self._dsn, timeout=CONNECT_SECONDS)
        return connection


def is_outage(error: BaseException) -> bool:
    """Whether the error, or a cause of it, means that the database is unavailable at the moment.

    Such a request may succeed later. All other errors are faults of the program or of its input.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OUTAGES) or (isinstance(cause, DBAPIError) and cause.connection_invalidated):
            return True
        cause = cause.__cause__
    return False


async def _skip_reset(connection: object) -> None:
    """Skip the reset of a connection that returns to the pool, which would cost each authorised request a round trip.

    The statements on the pool change no session state.
    """
