"""Reaching the database: that of DATABASE_URL, or the embedded one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import asyncpg
import msgspec
from advanced_alchemy.exceptions import AdvancedAlchemyError
from sqlalchemy.exc import SQLAlchemyError

from app.postgres.database import Database
from app.postgres.embedded import embedded_postgres, reach_embedded_postgres
from app.postgres.url import DatabaseUrlError
from app.server.errors import ServiceError
from app.settings.model import POOL_SIZE_MAX, Settings

OLDEST_POSTGRES = 15
# Connections of the database beside those of the workers: for `ostiary` commands, `psql` and others.
SPARE_CONNECTIONS = 20
# By the server, the role and the database, whichever allows the fewest.
CONNECTIONS_ALLOWED = """
SELECT least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0),
    nullif(rolconnlimit, -1), nullif(datconnlimit, -1))
  FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
"""
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@contextmanager
def reach_database(settings: Settings) -> Iterator[Settings]:
    """The settings with `database_url` set: DATABASE_URL or, without it, the embedded database (started if necessary).

    Raises `EmbeddedPostgresError`.
    """
    if settings.database_url:
        yield settings
        return
    with reach_embedded_postgres(settings.data_path) as url:
        yield msgspec.structs.replace(settings, database_url=url)


@contextmanager
def start_database(settings: Settings) -> Iterator[Settings]:
    """The settings with `database_url` set: DATABASE_URL or, without it, the embedded database (started here).

    Raises `EmbeddedPostgresError`, also if another process has started it: one service at a time can use a DATA_DIR.
    """
    if settings.database_url:
        yield settings
        return
    connections = settings.workers * database_connections(settings) + SPARE_CONNECTIONS
    with embedded_postgres(settings.data_path, connections) as url:
        yield msgspec.structs.replace(settings, database_url=url)


@asynccontextmanager
async def connect(settings: Settings, statement_seconds: float | None = None) -> AsyncIterator[Database]:
    """The connected database of `settings.database_url`. By default its statements may take any time, as migrations do.

    Raises `ServiceError` if the database cannot be reached or is too old, and turns database errors inside the context
    into `ServiceError`.
    """
    try:
        database = Database(
            settings.database_url or "",
            min(settings.pool_size, 4),
            acquire_seconds=settings.database_acquire_seconds,
            statement_seconds=statement_seconds,
            transaction_pooler=settings.database_pooler == "transaction",
        )
    except DatabaseUrlError as error:
        raise ServiceError(f"DATABASE_URL: {error}") from None
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(database.connected())
        except (OSError, ValueError, *DRIVER_ERRORS) as error:
            raise ServiceError(f"DATABASE_URL: the database cannot be reached: {_original_message(error)}") from None
        if (major := await database.server_version()) < OLDEST_POSTGRES:
            raise ServiceError(f"DATABASE_URL: PostgreSQL {OLDEST_POSTGRES} or newer is needed, this is {major}")
        try:
            yield database
        except (*DRIVER_ERRORS, SQLAlchemyError, AdvancedAlchemyError) as error:
            raise ServiceError(f"the database refused: {_original_message(error)}") from None


def database_connections(settings: Settings) -> int:
    """Those of a worker: an asyncpg pool, the pool of the SQLAlchemy engine, and a connection that listens."""
    return 2 * settings.pool_size + 1


async def fitted_to_database(settings: Settings, database: Database) -> Settings:
    """The settings with pools that fit into the connections that the database allows, if DATABASE_POOL_SIZE is 0.

    All workers together leave `SPARE_CONNECTIONS`. Each has two pools of 2 to `POOL_SIZE_MAX`, and one connection more.
    """
    if settings.database_pool_size:
        return settings
    allowed = await database.pool.fetchval(CONNECTIONS_ALLOWED)
    fitting = ((allowed - SPARE_CONNECTIONS) // settings.workers - 1) // 2
    return msgspec.structs.replace(settings, database_pool_size=min(max(fitting, 2), POOL_SIZE_MAX))


def _original_message(error: BaseException) -> str:
    """The first line of the innermost cause: the message of the database or the system, not of the libraries."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError):
        # Python's message quotes a part of the address, which may contain the password.
        return "the address cannot be read: percent-encode special characters in user and password"
    return (str(error).splitlines() or [type(error).__name__])[0]
