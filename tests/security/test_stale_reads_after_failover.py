"""After a failover, what connections to the old server read is not kept in memory as if the new server had proved it.

Connections that were opened before read other tables here than those opened after, as they do when the name of the
server has come to stand for another one.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import make_migrated_database
from tests.support.app import Clock, RunningApp, is_signed_in, keeps_nothing, running, settings_for, until
from tests.support.two_workers import Connection

TABLES = ("users", "keys", "sessions", "languages", "language_members", "ended_sessions")
NEW_SERVER = [
    "CREATE SCHEMA new_server",
    *(f"CREATE TABLE new_server.{table} (LIKE public.{table} INCLUDING ALL)" for table in TABLES),
    *(f"INSERT INTO new_server.{table} SELECT * FROM public.{table}" for table in TABLES),  # noqa: S608 # constants
]
LISTENING = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND query LIKE '%pg_notify($1%' AND pid <> pg_backend_pid()
"""


@pytest.fixture
async def own_url(server_url: str) -> str:
    """The URL of a migrated database that no other test uses."""
    return await make_migrated_database(server_url, "failover")


@pytest.fixture
async def app(own_url: str) -> AsyncIterator[RunningApp]:
    """The service on a database of its own."""
    async with running(settings_for(own_url), Clock()) as app:
        yield app


@pytest.fixture
async def operator(own_url: str) -> AsyncIterator[Connection]:
    """A connection to the database beside those of the service."""
    connection = await asyncpg.connect(own_url)
    yield connection
    await connection.close()


async def test_a_session_that_the_new_server_does_not_have_is_not_honoured_once_memory_is_used_again(
    app: RunningApp, operator: Connection
) -> None:
    async def keeps_something() -> bool:
        return not await keeps_nothing(app)

    client = await app.signed_in()
    await until(keeps_something)
    assert await is_signed_in(client)
    for statement in NEW_SERVER:
        await operator.execute(statement)
    name = await operator.fetchval("SELECT current_database()")
    await operator.execute("DELETE FROM new_server.sessions")
    await operator.execute(f"ALTER DATABASE {name} SET search_path = new_server, public")

    await operator.execute("SELECT pg_terminate_backend($1)", await operator.fetchval(LISTENING))
    await until(lambda: keeps_nothing(app))
    await until(keeps_something)
    assert not await is_signed_in(client)
