"""Outages of the database are answered with 503 in time, and the service recovers by itself."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from app.postgres import database
from tests.conftest import make_migrated_database
from tests.support.app import (
    CREDENTIALS,
    Clock,
    RunningApp,
    is_signed_in,
    keeps_nothing,
    problem,
    running,
    settings_for,
    until,
)
from tests.support.serve_process import frozen

CUTS = 5
CLIENTS = 8
ANSWER_SECONDS = 5
# All other connections to this database, from the connection that asks.
OTHERS = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
async def own_url(server_url: str) -> str:
    """The URL of a migrated database that no other test uses."""
    return await make_migrated_database(server_url, "outages")


@pytest.fixture
async def app(own_url: str) -> AsyncIterator[RunningApp]:
    """The service on a database of its own, with small pools and short limits."""
    settings = settings_for(own_url, DATABASE_POOL_SIZE="4", DATABASE_STATEMENT_SECONDS="1")
    async with running(settings, Clock()) as app:
        yield app


@pytest.fixture
async def operator(own_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to the database beside those of the service."""
    connection = await asyncpg.connect(own_url)
    yield connection
    await connection.close()


async def cut_connections(app: RunningApp, operator: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Cut all connections of the service, and wait until the service has noticed."""
    await operator.execute(f"SELECT pg_terminate_backend(pid) FROM {OTHERS}")  # noqa: S608 # constants

    async def noticed() -> bool:
        return app.resources.database.pool.get_size() == 0

    await until(noticed)


async def is_refused(answer: httpx.Response) -> bool:
    return problem(answer)["code"] == "temporarily_unavailable" and "retry-after" in answer.headers


async def test_connections_cut_under_load_fail_no_request_with_500(
    app: RunningApp, operator: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    client, done = await app.signed_in(), asyncio.Event()
    answers: list[httpx.Response] = []

    async def load() -> None:
        while not done.is_set():
            answers.append(await client.get("/api/session"))
            answers.append(await client.delete("/api/sessions"))
            answers.append(await app.client().post("/api/session", json=CREDENTIALS))
            answers.append(await app.client().get("/health/ready"))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(load())
        for cut in range(CUTS):
            while len(answers) < (cut + 1) * 4 * CLIENTS:
                await asyncio.wait(asyncio.all_tasks(), timeout=0.01)
            await operator.execute(f"SELECT pg_terminate_backend(pid) FROM {OTHERS}")  # noqa: S608 # constants
        done.set()

    assert {answer.status_code for answer in answers} <= {200, 201, 204, 503}
    assert all([await is_refused(answer) for answer in answers if answer.status_code == 503])
    assert await is_signed_in(client)
    assert (await client.delete("/api/sessions")).status_code == 204
    assert (await client.get("/health/ready")).status_code == 200


@pytest.mark.parametrize("noticed_by", ["read", "transaction", "probe"])
async def test_after_a_failover_writes_are_refused_until_a_new_connection_takes_them(
    app: RunningApp,
    operator: "asyncpg.Connection[asyncpg.Record]",
    monkeypatch: pytest.MonkeyPatch,
    noticed_by: str,
) -> None:
    """The connections of a server that has become a standby stay open, and take no writes."""
    monkeypatch.setattr(database, "EXPIRE_EVERY_SECONDS", 0)
    name = await operator.fetchval("SELECT current_database()")
    client = await app.signed_in()
    await operator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await cut_connections(app, operator)

    assert await is_signed_in(client)
    for answer in (
        await client.get("/health/ready"),
        await client.delete("/api/sessions"),
        await client.post("/api/session", json=CREDENTIALS),
    ):
        assert await is_refused(answer)
    await operator.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")

    if noticed_by == "read":
        await app.client().post("/api/session", json=CREDENTIALS)
    elif noticed_by == "transaction":
        await client.delete("/api/sessions")
    else:
        await client.get("/health/ready")
    assert (await client.get("/health/ready")).status_code == 200
    assert (await client.post("/api/session", json=CREDENTIALS)).status_code == 201
    assert (await client.delete("/api/sessions")).status_code == 204


async def test_a_statement_that_takes_too_long_is_refused_in_time(
    app: RunningApp, operator: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    client = await app.signed_in()
    async with operator.transaction():
        await operator.execute("LOCK TABLE sessions")
        started = time.monotonic()
        for answer in await asyncio.gather(
            client.get("/api/session"), app.client().post("/api/session", json=CREDENTIALS)
        ):
            assert await is_refused(answer)
        assert time.monotonic() - started < ANSWER_SECONDS
    assert await is_signed_in(client)
    assert (await client.delete("/api/sessions")).status_code == 204


async def test_while_the_server_hangs_probes_and_requests_are_refused_in_time(
    app: RunningApp, operator: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    client = await app.signed_in()
    assert (await client.get("/health/ready")).status_code == 200
    rows = await operator.fetch(f"SELECT pid FROM {OTHERS}")  # noqa: S608 # constants
    with frozen([row["pid"] for row in rows]):
        started = time.monotonic()
        ready = await app.client().get("/health/ready")
        assert time.monotonic() - started < 2
        assert await is_refused(ready)
        await until(lambda: keeps_nothing(app))
        assert await is_refused(await client.get("/api/session"))
        assert time.monotonic() - started < ANSWER_SECONDS
    assert await is_signed_in(client)
    assert (await client.delete("/api/sessions")).status_code == 204
    assert (await client.get("/health/ready")).status_code == 200
