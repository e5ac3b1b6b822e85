"""Migrations: they agree with the models, go down and up again, and happen wholly or not at all."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app import asgi
from app.postgres import migrate
from app.postgres.base import Base
from app.postgres.database import Database
from tests.conftest import make_database
from tests.support.races import at_once

# Everything that a table is made of, as PostgreSQL itself understands it.
CATALOGUE = """
SELECT 'column', c.relname, a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, co.collname, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_collation co ON co.oid = a.attcollation
 WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname, '', pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
OWN_TABLE = "alembic_version"

FAILING = """
from alembic import op

revision = "9999"
down_revision = {head!r}


def upgrade() -> None:
    op.execute("CREATE TABLE half_done AS SELECT 1")
    op.execute("SELECT 1 / 0")
"""
CURIOUS = """
from alembic import op

revision = "9999"
down_revision = {head!r}


def upgrade() -> None:
    op.execute("CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock_timeout")
"""

Catalogue = set[tuple[str, ...]]


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    """A database without any table."""
    async with Database(await make_database(server_url, "migrations"), 4).connected() as empty:
        yield empty


def catalogue(connection: Connection) -> Catalogue:
    return {tuple(row) for row in connection.execute(text(CATALOGUE)) if row[1] != OWN_TABLE}


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


def head() -> str:
    return ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head() or ""


def revisions() -> list[Script]:
    """All migrations, the first one first."""
    return list(ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions())[::-1]


async def schema_of(database: Database) -> Catalogue:
    async with database.engine.connect() as connection:
        return await connection.run_sync(catalogue)


def with_migration(monkeypatch: pytest.MonkeyPatch, directory: Path, source: str) -> None:
    """Continue the project's migrations with one more."""
    newest = head()
    shutil.copytree(migrate.MIGRATIONS, directory / "migrations")
    (directory / "migrations" / "versions" / "9999_next.py").write_text(source.format(head=newest))
    monkeypatch.setattr(migrate, "MIGRATIONS", directory / "migrations")


async def test_models_and_migrations_agree_as_alembic_compares_them(database: Database) -> None:
    assert asgi.CONTROLLERS, "importing the app has imported every model"
    await migrate.upgrade(database.engine)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        of_the_models = await connection.run_sync(catalogue)
        await connection.run_sync(Base.metadata.drop_all)
    await migrate.upgrade(database.engine)
    of_the_migrations = {entry for entry in await schema_of(database) if entry[0] not in ("trigger", "function")}
    assert of_the_migrations == of_the_models
    assert of_the_models


@pytest.mark.parametrize("script", revisions(), ids=lambda script: script.revision)
async def test_each_migration_goes_down_without_a_trace_and_up_again(database: Database, script: Script) -> None:
    async with database.engine.begin() as connection:
        if script.down_revision is not None:
            await connection.run_sync(migrate.migrate, str(script.down_revision))
        before = await connection.run_sync(catalogue)
        await connection.run_sync(migrate.migrate, script.revision)
        after = await connection.run_sync(catalogue)
        await connection.run_sync(lambda c: command.downgrade(migrate.config(c), "-1"))
        assert await connection.run_sync(catalogue) == before
        await connection.run_sync(migrate.migrate, script.revision)
        assert await connection.run_sync(catalogue) == after
    assert await migrate.current(database.engine) == script.revision


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    assert await migrate.current(database.engine) is None
    await migrate.upgrade(database.engine)
    made = await schema_of(database)
    await migrate.upgrade(database.engine)
    assert await schema_of(database) == made
    assert await migrate.current(database.engine) == head()
    await migrate.require_current(database.engine)


async def test_a_failing_migration_leaves_nothing_of_any_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_migration(monkeypatch, tmp_path, FAILING)
    with pytest.raises(DBAPIError, match="division by zero"):
        await migrate.upgrade(database.engine)
    assert await schema_of(database) == set()
    assert await migrate.current(database.engine) is None


async def test_a_failing_migration_leaves_the_ones_before_it_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await migrate.upgrade(database.engine)
    made, at = await schema_of(database), head()
    with_migration(monkeypatch, tmp_path, FAILING)
    with pytest.raises(DBAPIError, match="division by zero"):
        await migrate.upgrade(database.engine)
    assert await schema_of(database) == made
    assert await migrate.current(database.engine) == at


async def test_services_that_start_at_once_migrate_once(database: Database) -> None:
    await at_once(4, lambda _: migrate.upgrade(database.engine))
    assert await migrate.current(database.engine) == head()


async def test_a_migration_never_waits_long_for_a_lock_that_live_traffic_holds(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_migration(monkeypatch, tmp_path, CURIOUS)
    await migrate.upgrade(database.engine)
    assert await database.pool.fetchval("SELECT lock_timeout FROM seen") == "4s"
    assert await database.pool.fetchval("SELECT current_setting('lock_timeout')") == "0"


async def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    await migrate.upgrade(database.engine)
    await database.pool.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(migrate.MigrationError, match="another version"):
        await migrate.upgrade(database.engine)
    with pytest.raises(migrate.MigrationError, match="is at revision 9999"):
        await migrate.require_current(database.engine)


async def test_a_database_that_was_never_migrated_is_told_so(database: Database) -> None:
    with pytest.raises(migrate.MigrationError, match="has no tables yet"):
        await migrate.require_current(database.engine)
