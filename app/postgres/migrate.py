"""Applies all pending migrations in one transaction, in one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

MIGRATIONS = Path(__file__).parents[2] / "migrations"
# An arbitrary constant. The lock keeps two services that start together from migrating the same database.
ADVISORY_LOCK = 7_061_776_101_105


class MigrationError(Exception):
    """The database is not at the revision that this version needs. The message is one line for the operator."""


def config(connection: Connection) -> Config:
    """Alembic's configuration for an open connection. Alembic works in the caller's transaction."""
    alembic = Config(attributes={"connection": connection})
    alembic.set_main_option("script_location", str(MIGRATIONS))
    alembic.set_main_option("path_separator", "os")
    return alembic


def migrate(connection: Connection, revision: str = "head") -> None:
    """Upgrade to `revision` in the caller's transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    command.upgrade(config(connection), revision)


async def upgrade(engine: AsyncEngine) -> None:
    """Apply all pending migrations, or none if one fails.

    Raises `MigrationError` if the database is at a revision that this version does not know.
    """
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    except CommandError as error:
        raise MigrationError(f"the database was migrated by another version of ostiary: {error}") from None


async def require_current(engine: AsyncEngine) -> None:
    """Raises `MigrationError` if the database is not at the revision that this version needs."""
    needed = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    found = await current(engine)
    if found != needed:
        state = f"is at revision {found}" if found else "has no tables yet"
        raise MigrationError(f"the database {state}, this version needs {needed}: run `ostiary database upgrade`")


async def current(engine: AsyncEngine) -> str | None:
    """The revision of the database. None if no migration has been applied."""

    def read(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with engine.connect() as connection:
        return await connection.run_sync(read)
