"""What every test may use: a real PostgreSQL, made once for each test process and thrown away after."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import structlog

from app import logs as log_output
from app.asgi import TABLES
from app.postgres import migrate
from app.postgres.database import Database
from app.postgres.embedded import embedded_postgres
from tests.support.app import Clock, RunningApp, running, settings_for


@pytest.fixture(scope="session", autouse=True)
def logs() -> Iterator[None]:
    """Logs as in operation: structlog's own default takes seconds to draw a traceback with all its locals.

    Loggers are not kept, so that `structlog.testing.capture_logs` sees what is logged; and they write to the process's
    own standard error, for pytest's closes with each test. What a test runs in this process leaves it at that.
    """
    assert sys.__stderr__ is not None
    stderr = cast("BinaryIO", sys.__stderr__.buffer)
    log_output.configure_logging()
    structlog.configure(logger_factory=structlog.BytesLoggerFactory(stderr), cache_logger_on_first_use=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_output, "configure_logging", lambda: None)
        yield


# Tests leave few rows, and deleting those takes a sixtieth of the time of TRUNCATE. A replica does it without triggers:
# one of them refuses it for audit events.
EMPTY = "; ".join(
    [
        "SET session_replication_role = replica",
        *[f"DELETE FROM {table}" for table in TABLES.tables],  # noqa: S608 # constants
        "RESET session_replication_role",
    ]
)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server: the one that TEST_DATABASE_URL names, or an embedded one for this process."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o711)
        with embedded_postgres(Path(directory)) as url:
            asyncio.run(_write_carelessly(url))
            yield url


async def _write_carelessly(server_url: str) -> None:
    """Let the server leave its files to the operating system: it outlives no test run, and each commit costs less."""
    connection = await asyncpg.connect(server_url)
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


async def make_database(server_url: str, name: str) -> str:
    """The URL of a new, empty database on the server."""
    unique = f"{name}_{os.getpid()}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"DROP DATABASE IF EXISTS {unique} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {unique}")
    await connection.close()
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{unique}")).replace(
        "postgresql:///", "postgresql://postgres@/"
    )


async def make_migrated_database(server_url: str, name: str) -> str:
    """The URL of a new database with all tables."""
    url = await make_database(server_url, name)
    async with Database(url, 2).connected() as database:
        await migrate.upgrade(database.engine)
    return url


@pytest.fixture(scope="session")
async def postgres_url(server_url: str) -> str:
    """A database without any table, for tests that make their own."""
    return await make_database(server_url, "scratch")


@pytest.fixture(scope="session")
async def database_url(server_url: str) -> str:
    """A database made by the migrations."""
    return await make_migrated_database(server_url, "ostiary")


@pytest.fixture(scope="session")
async def shared_app(database_url: str) -> AsyncIterator[RunningApp]:
    """The service with default settings, started once."""
    async with running(settings_for(database_url), Clock()) as app:
        yield app


@pytest.fixture
async def app(shared_app: RunningApp) -> AsyncIterator[RunningApp]:
    """The service on an empty database, at the start of its time."""
    shared_app.clock.now = Clock().now
    await shared_app.resources.database.pool.execute(EMPTY)
    shutil.rmtree(shared_app.settings.data_path / "mail", ignore_errors=True)
    yield shared_app
    await shared_app.sessions.flush()


@pytest.fixture(scope="session")
async def shared_open_app(shared_app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """The service without passwords where anybody may sign up, started once."""
    settings = settings_for(database_url, SIGN_IN_METHODS="code", SIGN_UP="open")
    async with running(settings, shared_app.clock) as open_app:
        yield open_app


@pytest.fixture
async def open_app(app: RunningApp, shared_open_app: RunningApp) -> AsyncIterator[RunningApp]:
    """`SIGN_IN_METHODS=code` and `SIGN_UP=open`, on an empty database. The fixture `app` is the other deployment."""
    assert app.clock is shared_open_app.clock
    yield shared_open_app
    await shared_open_app.sessions.flush()


@pytest.fixture(params=["code, open", "password and code, invite"])
def either(request: pytest.FixtureRequest, app: RunningApp, open_app: RunningApp) -> RunningApp:
    """One deployment, then the other."""
    return open_app if request.param == "code, open" else app
