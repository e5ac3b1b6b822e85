"""Migrations: they create the tables of the models, can be reverted, and are rolled back together on an error."""

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

# Columns, constraints, indexes, triggers and functions, as the system catalogue of PostgreSQL describes them.
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
ALEMBIC_TABLE = "alembic_version"

FAILING_MIGRATION = """
from alembic import op

revision = "9999"
down_revision = {head!r}


def upgrade() -> None:
    op.execute("CREATE TABLE half_done AS SELECT 1")
    op.execute("SELECT 1 / 0")
"""
LOCK_TIMEOUT_MIGRATION = """
from alembic import op

revision = "9999"
down_revision = {head!r}


def upgrade() -> None:
    op.execute("CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock_timeout")
"""

Catalogue = set[tuple[str, ...]]


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    """A database without tables."""
    async with Database(await make_database(server_url, "migrations"), 4).connected() as database:
        yield database


def catalogue(connection: Connection) -> Catalogue:
    return {tuple(row) for row in connection.execute(text(CATALOGUE)) if row[1] != ALEMBIC_TABLE}


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


def head() -> str:
    return ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head() or ""


def revisions() -> list[Script]:
    """All migrations, oldest first."""
    return list(ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions())[::-1]


async def schema_of(database: Database) -> Catalogue:
    async with database.engine.connect() as connection:
        return await connection.run_sync(catalogue)


def with_migration(monkeypatch: pytest.MonkeyPatch, directory: Path, source: str) -> None:
    """Append a migration with this source to the migrations of the project."""
    newest = head()
    shutil.copytree(migrate.MIGRATIONS, directory / "migrations")
    (directory / "migrations" / "versions" / "9999_next.py").write_text(source.format(head=newest))
    monkeypatch.setattr(migrate, "MIGRATIONS", directory / "migrations")


async def test_alembic_finds_no_difference_between_models_and_migrations(database: Database) -> None:
    assert asgi.CONTROLLERS, "importing the app imports every model"
    await migrate.upgrade(database.engine)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations_create_exactly_the_tables_of_the_models(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        model_tables = await connection.run_sync(catalogue)
        await connection.run_sync(Base.metadata.drop_all)
    await migrate.upgrade(database.engine)
    migrated_tables = {entry for entry in await schema_of(database) if entry[0] not in ("trigger", "function")}
    assert migrated_tables == model_tables
    assert model_tables


@pytest.mark.parametrize("script", revisions(), ids=lambda script: script.revision)
async def test_each_migration_can_be_reverted_and_applied_again(database: Database, script: Script) -> None:
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


async def test_names_are_brought_into_nfc_and_users_can_be_searched_afterwards(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(migrate.migrate, "0007")
        await connection.execute(
            text(
                "INSERT INTO users (id, email, name, created_at, updated_at) SELECT gen_random_uuid(), "
                "'U' || n || '@example.org', E'Jose\\u0301 Stra\\u00dfer', now(), now() FROM generate_series(1, 6000) n"
            )
        )
        await connection.execute(
            text("INSERT INTO languages VALUES ('vi', E'Viet\\u0323na\\u0306m', 'x', 'ltr', now())")
        )
    await migrate.upgrade(database.engine)
    rows = await database.pool.fetch(
        "SELECT DISTINCT name, folded_name, folded_email = lower(email) AS found FROM users"
    )
    assert [tuple(row) for row in rows] == [("Jos\u00e9 Stra\u00dfer", "jos\u00e9 strasser", True)]
    assert await database.pool.fetchval("SELECT name FROM languages") == "Vie\u1e6dn\u0103m"


async def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    assert await migrate.current(database.engine) is None
    await migrate.upgrade(database.engine)
    migrated = await schema_of(database)
    await migrate.upgrade(database.engine)
    assert await schema_of(database) == migrated
    assert await migrate.current(database.engine) == head()
    await migrate.require_current(database.engine)


async def test_a_failing_migration_rolls_back_all_migrations_of_its_upgrade(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_migration(monkeypatch, tmp_path, FAILING_MIGRATION)
    with pytest.raises(DBAPIError, match="division by zero"):
        await migrate.upgrade(database.engine)
    assert await schema_of(database) == set()
    assert await migrate.current(database.engine) is None


async def test_a_failing_migration_leaves_earlier_upgrades_unchanged(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await migrate.upgrade(database.engine)
    migrated, revision = await schema_of(database), head()
    with_migration(monkeypatch, tmp_path, FAILING_MIGRATION)
    with pytest.raises(DBAPIError, match="division by zero"):
        await migrate.upgrade(database.engine)
    assert await schema_of(database) == migrated
    assert await migrate.current(database.engine) == revision


async def test_concurrent_upgrades_apply_the_migrations_once(database: Database) -> None:
    await at_once(4, lambda _: migrate.upgrade(database.engine))
    assert await migrate.current(database.engine) == head()


async def test_a_migration_waits_at_most_4_seconds_for_a_lock(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_migration(monkeypatch, tmp_path, LOCK_TIMEOUT_MIGRATION)
    await migrate.upgrade(database.engine)
    assert await database.pool.fetchval("SELECT lock_timeout FROM seen") == "4s"
    assert await database.pool.fetchval("SELECT current_setting('lock_timeout')") == "0"


async def test_a_database_at_an_unknown_revision_is_refused(database: Database) -> None:
    await migrate.upgrade(database.engine)
    await database.pool.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(migrate.MigrationError, match="another version"):
        await migrate.upgrade(database.engine)
    with pytest.raises(migrate.MigrationError, match="is at revision 9999"):
        await migrate.require_current(database.engine)


async def test_a_database_without_tables_is_refused(database: Database) -> None:
    with pytest.raises(migrate.MigrationError, match="has no tables yet"):
        await migrate.require_current(database.engine)
