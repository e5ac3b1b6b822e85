"""Denial of service by pool exhaustion: failed or cancelled requests do not return their database connections, or
requests wait for a connection without end."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
from sqlalchemy.pool import QueuePool

from tests.support.app import CREDENTIALS, SECRET, RunningApp, problem, running, settings_for

ROUNDS = 40
POOL_SIZE = 2
ANSWER_SECONDS = 5


@pytest.fixture
async def small(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """The service with two pools of POOL_SIZE connections, on the database of the fixture `app`."""
    settings = settings_for(database_url, DATABASE_POOL_SIZE=str(POOL_SIZE), DATABASE_ACQUIRE_SECONDS="1")
    async with running(settings, app.clock) as small_app:
        yield small_app


async def _refused(client: httpx.AsyncClient, method: str, path: str) -> bool:
    """Whether the request is refused in time, with the advice to come again."""
    started = time.monotonic()
    answer = await client.request(method, path, json=CREDENTIALS if method == "POST" else None)
    assert problem(answer)["code"] == "temporarily_unavailable"
    return "retry-after" in answer.headers and time.monotonic() - started < ANSWER_SECONDS


async def test_a_request_without_a_free_connection_for_reads_is_refused_in_time(small: RunningApp) -> None:
    client, pool = await small.signed_in(), small.resources.database.pool
    held = [await pool.acquire() for _ in range(POOL_SIZE)]
    refused = [("GET", "/api/session"), ("POST", "/api/session"), ("GET", "/health/ready")]
    assert await asyncio.gather(*(_refused(client, *request) for request in refused)) == [True, True, True]

    for connection in held:
        await pool.release(connection)
    assert (await client.get("/api/session")).json()["user"]
    assert (await client.get("/health/ready")).status_code == 200


async def test_a_request_without_a_free_connection_for_writes_is_refused_in_time(small: RunningApp) -> None:
    client, engine = await small.signed_in(), small.resources.database.engine
    async with engine.connect(), engine.connect():
        refused = [("DELETE", "/api/sessions"), ("GET", "/health/ready")]
        assert await asyncio.gather(*(_refused(client, *request) for request in refused)) == [True, True]
        assert (await client.get("/api/session")).status_code == 200

    assert (await client.delete("/api/sessions")).status_code == 204
    assert (await client.get("/health/ready")).status_code == 200


async def test_many_probes_share_one_check(small: RunningApp) -> None:
    client = small.client()
    answers = await asyncio.gather(*(client.get("/health/ready") for _ in range(ROUNDS)))
    assert {answer.status_code for answer in answers} == {200}
    assert small.resources.database.pool.get_size() <= 2  # the other one is of the listener's start


def _connections_in_use(app: RunningApp) -> tuple[int, int]:
    """The number of connections that are checked out of the engine's pool and of the direct pool."""
    pool = app.resources.database.pool
    return cast("QueuePool", app.resources.database.engine.pool).checkedout(), pool.get_size() - pool.get_idle_size()


async def test_refused_requests_return_their_connections(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()
    wrong = {**CREDENTIALS, "secret": "nine quiet herons over water"}
    setup = {"token": "osk_" + "a" * 43, "name": "Ada", "secret": SECRET}

    for number in range(ROUNDS):
        # Another account each time, because guesses at one account are limited.
        answers = [
            await app.client().post("/api/session", json={**wrong, "email": f"nobody{number}@example.org"}),
            await admin.post("/api/languages", json={"code": "de", "name": "German"}),
            await app.client().post("/api/keys/redeem", json=setup),
            await admin.delete("/api/sessions/00000000-0000-7000-8000-000000000000"),
            await admin.patch("/api/languages/da", json={"name": "Danish"}),
        ]
        assert [answer.status_code for answer in answers] == [401, 409, 410, 403, 404]

    assert _connections_in_use(app) == (0, 0)


async def test_database_errors_return_their_connections(app: RunningApp) -> None:
    await app.user()
    pool = app.resources.database.pool
    await pool.execute("ALTER TABLE sessions RENAME TO hidden")
    try:
        for _ in range(ROUNDS):
            assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 500
            assert (await app.with_cookie("ost_" + "a" * 43).get("/api/session")).status_code == 500
            app.clock.forward(days=1)
    finally:
        await pool.execute("ALTER TABLE hidden RENAME TO sessions")

    assert _connections_in_use(app) == (0, 0)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


@pytest.mark.parametrize("path", ["/api/session", "/api/languages"])
async def test_cancelled_requests_return_their_connections(app: RunningApp, path: str) -> None:
    admin = await app.signed_in(admin=True)
    body = CREDENTIALS if path == "/api/session" else {"code": "de", "name": "German"}

    async def cancelled_after(turns: int) -> None:
        request = asyncio.create_task(admin.post(path, json=body))
        for _ in range(turns):
            await asyncio.wait([request], timeout=0)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)

    for turns in range(ROUNDS):
        await asyncio.gather(*(cancelled_after(turns) for _ in range(4)))

    last: httpx.Response = await admin.get("/api/session")
    assert last.status_code == 200
    assert _connections_in_use(app) == (0, 0)
