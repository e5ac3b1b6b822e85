"""Fixtures for all tests: a PostgreSQL server and a database for each test process, and the service on it."""

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
    """Configure logs as in operation: the default of structlog takes seconds to render a traceback with all locals.

    Loggers are not cached, so that `structlog.testing.capture_logs` captures their output. They write to the standard
    error of the process, because pytest closes the standard error of a test when the test ends. Code under test cannot
    configure logs again.
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
    """The URL of a PostgreSQL server: TEST_DATABASE_URL, or an embedded server for this test process."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o711)
        with embedded_postgres(Path(directory)) as url:
            asyncio.run(_disable_fsync(url))
            yield url


async def _disable_fsync(server_url: str) -> None:
    """Turn `fsync` off: commits are faster, and the data of a test run need not survive a crash."""
    connection = await asyncpg.connect(server_url)
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


async def make_database(server_url: str, name: str) -> str:
    """Create an empty database on the server. Returns its URL."""
    unique = f"{name}_{os.getpid()}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"DROP DATABASE IF EXISTS {unique} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {unique}")
    await connection.close()
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{unique}")).replace(
        "postgresql:///", "postgresql://postgres@/"
    )


async def make_migrated_database(server_url: str, name: str) -> str:
    """Create a database and run all migrations. Returns its URL."""
    url = await make_database(server_url, name)
    async with Database(url, 2).connected() as database:
        await migrate.upgrade(database.engine)
    return url


@pytest.fixture(scope="session")
async def postgres_url(server_url: str) -> str:
    """The URL of a database without tables, for tests that create their own."""
    return await make_database(server_url, "scratch")


@pytest.fixture(scope="session")
async def database_url(server_url: str) -> str:
    """The URL of a migrated database."""
    return await make_migrated_database(server_url, "ostiary")


@pytest.fixture(scope="session")
async def shared_app(database_url: str) -> AsyncIterator[RunningApp]:
    """The service with default settings, started once for each test process."""
    async with running(settings_for(database_url), Clock()) as app:
        yield app


@pytest.fixture
async def app(shared_app: RunningApp) -> AsyncIterator[RunningApp]:
    """The service with default settings, an empty database and the clock at its start."""
    shared_app.clock.now = Clock().now
    await shared_app.resources.database.pool.execute(EMPTY)
    shared_app.sessions.forget_all()
    shared_app.resources.kept_rows.clear()
    shutil.rmtree(shared_app.settings.data_path / "mail", ignore_errors=True)
    yield shared_app
    await shared_app.sessions.flush()


@pytest.fixture(scope="session")
async def shared_open_app(shared_app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """The service with `SIGN_IN_METHODS=code` and `SIGN_UP=open`, started once for each test process."""
    settings = settings_for(database_url, SIGN_IN_METHODS="code", SIGN_UP="open")
    async with running(settings, shared_app.clock) as open_app:
        yield open_app


@pytest.fixture
async def open_app(app: RunningApp, shared_open_app: RunningApp) -> AsyncIterator[RunningApp]:
    """The service with `SIGN_IN_METHODS=code` and `SIGN_UP=open`, on the database and clock of the fixture `app`."""
    assert app.clock is shared_open_app.clock
    yield shared_open_app
    await shared_open_app.sessions.flush()


@pytest.fixture(params=["code, open", "password and code, invite"])
def either(request: pytest.FixtureRequest, app: RunningApp, open_app: RunningApp) -> RunningApp:
    """Each of the two deployments in turn: `open_app` and `app`."""
    return open_app if request.param == "code, open" else app
