"""The database: a SQLAlchemy engine for transactions, and an asyncpg pool for single statements that must be fast."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import cast

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from sqlalchemy import Connection, event, text
from sqlalchemy.engine.interfaces import AdaptedConnection, DBAPIConnection
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.postgres.listener import NOTIFY, Listener
from app.postgres.outages import DatabaseReadOnlyError, outage_in
from app.postgres.pool import Pool
from app.postgres.url import Host, server_of

# How long to wait at the start for a server that does not answer.
CONNECT_SECONDS = 10.0
# How long a statement or a transaction waits for a connection, unless the settings say otherwise.
ACQUIRE_SECONDS = 2.0
# While the server takes no writes, its connections are replaced at most this often.
EXPIRE_EVERY_SECONDS = 5.0
# After these errors of one host, another one may serve. `TimeoutError` is an `OSError`.
HOST_ERRORS = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)

# On a standby it is on as well.
IS_READ_ONLY = "SELECT current_setting('transaction_read_only') = 'on'"

# The start of a change in an SQL statement, and its table.
CHANGE = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)")

# Arguments of SQLAlchemy's driver: each statement is prepared without a name, which the next one replaces.
UNNAMED_STATEMENTS = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}


class Database:
    """One PostgreSQL database: `transaction()` for units of work, `pool` for single prepared statements.

    The constructor opens no connection. Everything else needs the context `connected()`.
    """

    def __init__(
        self,
        url: str,
        pool_size: int,
        *,
        acquire_seconds: float = ACQUIRE_SECONDS,
        statement_seconds: float | None = None,
        transaction_pooler: bool = False,
    ) -> None:
        """The engine and the pool have at most `pool_size` connections each.

        Both wait at most `acquire_seconds` for a free connection, and as long for a new one. A statement that takes
        longer than `statement_seconds` is cancelled, and raises `TimeoutError`. With `transaction_pooler` each
        transaction may run on another connection of the server, so that nothing may stay on one, such as a prepared
        statement. Raises `DatabaseUrlError`.
        """
        self._server = server_of(url)
        self._hosts = list(self._server.hosts)
        self._pool_size = pool_size
        self._acquire_seconds = acquire_seconds
        self._statement_seconds = statement_seconds
        self._host_seconds = CONNECT_SECONDS
        self._named_statements = not (transaction_pooler or self._server.transaction_pooler)
        of_driver = {} if self._named_statements else UNNAMED_STATEMENTS
        self.engine = create_async_engine(
            "postgresql+asyncpg://",
            connect_args={"async_creator_fn": self._connect, **of_driver},
            pool_size=pool_size,
            pool_timeout=acquire_seconds,
            max_overflow=0,
            hide_parameters=True,  # errors are logged, and parameters include hashes
        )
        event.listen(self.engine.sync_engine, "checkout", self._check_connection)
        # For statements of `pool` that wait for locks of other writers: half of its connections stay free for the rest.
        self.waiting_writes = asyncio.Semaphore(max(1, pool_size // 2))
        self.listener = Listener(self._connect_to_listen, lambda channel: self.pool.execute(NOTIFY, channel))
        self._kept_tables = frozenset[str]()
        self._kept_changes = 0
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._engine_expired = False
        self._expired_at = -EXPIRE_EVERY_SECONDS
        self._check: asyncio.Task[None] | None = None
        self.pool: Pool

    @property
    def notifies(self) -> bool:
        """Whether NOTIFY reaches a connection that listens. A transaction pooler keeps no connection for it."""
        return self._named_statements

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Database"]:
        """Connect, and disconnect at the end of the context.

        Raises `OSError` if the server cannot be reached, and `asyncpg.PostgresError`, `asyncpg.InterfaceError` or
        `asyncpg.InternalClientError` if it refuses the connection.
        """
        self._host_seconds = self._server.connect_seconds or CONNECT_SECONDS
        try:
            async with Pool(self._connect, self._pool_size, self._acquire_seconds, self._expire) as self.pool:
                self._host_seconds = min(self._acquire_seconds / len(self._hosts), self._host_seconds)
                listening = asyncio.create_task(self.listener.run()) if self.notifies else None
                try:
                    yield self
                finally:
                    for task in (self._check, listening):
                        if task is not None:
                            task.cancel()
                    if listening is not None:
                        await asyncio.wait([listening])
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
        changes = self._kept_changes
        try:
            async with self._sessions() as session, session.begin():
                yield session
        except Exception as error:
            if isinstance(outage_in(error), asyncpg.ReadOnlySQLTransactionError):
                await self._expire()
            raise
        if self._kept_changes != changes:  # by this transaction, or by one at the same time
            await self.settle()

    async def require_writable(self, seconds: float) -> None:
        """Check that both pools have a connection to a server that takes writes.

        Raises an outage, such as `TimeoutError` after `seconds`, whatever the driver waits for. One check runs at a
        time, and callers share it: so many callers take one connection.
        """
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._require_writable())
            self._check.add_done_callback(_retrieve_exception)
        check = self._check
        await asyncio.wait([check], timeout=seconds)
        if not check.done():
            raise TimeoutError
        check.result()

    async def _require_writable(self) -> None:
        async with self.engine.connect() as connection:
            read_only = (await connection.execute(text(IS_READ_ONLY))).scalar_one()
        if read_only or await self.pool.fetchval(IS_READ_ONLY):
            await self._expire()
            raise DatabaseReadOnlyError

    def settle_after_changes_of(self, tables: Iterable[str]) -> None:
        """Let each transaction that changes rows of these tables end with `settle`, before its client is answered."""
        if not self._kept_tables:
            event.listen(self.engine.sync_engine, "begin", self._note_begin)
            event.listen(self.engine.sync_engine, "before_cursor_execute", self._note_statement)
            event.listen(self.engine.sync_engine, "commit", self._note_commit)
        self._kept_tables |= frozenset(tables)

    async def settle(self) -> None:
        """Wait until this process has heard of all changes that have been committed by now.

        A statement of `pool` that changes what processes keep in memory must be followed by this.
        """
        await self.listener.settle()

    def _note_begin(self, connection: Connection) -> None:
        connection.info["changes_kept_rows"] = False

    def _note_statement(self, connection: Connection, _: object, statement: str, *__: object) -> None:
        if _changes_one_of(self._kept_tables, statement):
            connection.info["changes_kept_rows"] = True

    def _note_commit(self, connection: Connection) -> None:
        self._kept_changes += connection.info["changes_kept_rows"]

    async def _connect(self, **_: object) -> "asyncpg.Connection[asyncpg.Record]":
        """A new connection to the first host that serves. What asyncpg's pool passes are the defaults.

        Raises like `connected`, after `self._host_seconds` for each host at the latest.
        """
        *first, last = self._hosts
        for host in first:
            with suppress(*HOST_ERRORS):
                return await self._connect_to(host)
        return await self._connect_to(last)

    async def _connect_to_listen(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Like `_connect`. From then on, statements of `pool` run on connections that are no older.

        After a failover, older ones may read what the new server has changed since, and never tells.
        """
        connection = await self._connect()
        await self.pool.expire_connections()
        return connection

    async def _connect_to(self, host: Host) -> "asyncpg.Connection[asyncpg.Record]":
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            self._server.dsn,
            host=host.host,
            port=host.port,
            ssl=self._server.tls,
            target_session_attrs=SessionAttribute(self._server.target_session_attrs),
            timeout=self._host_seconds,
            command_timeout=self._statement_seconds,
            statement_cache_size=100 if self._named_statements else 0,
        )
        self._hosts.sort(key=lambda other: other != host)  # the next connection starts with this host
        return connection

    async def _expire(self) -> None:
        """Replace every connection before its next use: the present server takes no writes, a new one may."""
        if time.monotonic() < self._expired_at + EXPIRE_EVERY_SECONDS:
            return
        self._expired_at = time.monotonic()
        self._engine_expired = True
        await self.pool.expire_connections()

    def _check_connection(self, connection: DBAPIConnection, _: object, __: object) -> None:
        """Let the engine replace a connection that it would give out although it is cut or has expired."""
        if self._engine_expired:
            self._engine_expired = False
            raise InvalidatePoolError
        if cast("AdaptedConnection", connection).driver_connection.is_closed():
            raise DisconnectionError


@lru_cache(maxsize=1024)
def _changes_one_of(tables: frozenset[str], statement: str) -> bool:
    """Whether an SQL statement inserts, changes or deletes rows of one of the tables."""
    return any(match[1] in tables for match in CHANGE.finditer(statement))


def _retrieve_exception(task: asyncio.Task[None]) -> None:
    """Let asyncio log no exception of a task that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
