"""Denial of service by pool exhaustion: failed or cancelled requests do not return their database connections."""

import asyncio
from typing import cast

import httpx
import pytest
from sqlalchemy.pool import QueuePool

from tests.support.app import CREDENTIALS, SECRET, RunningApp

ROUNDS = 40


def _connections_in_use(app: RunningApp) -> tuple[int, int]:
    """The number of connections that are checked out of the engine's pool and of the direct pool."""
    pool = app.resources.database.pool
    return cast("QueuePool", app.resources.database.engine.pool).checkedout(), pool.get_size() - pool.get_idle_size()


async def test_refused_requests_return_their_connections(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()
    wrong = {**CREDENTIALS, "secret": "nine quiet herons over water"}
    setup = {"token": "osk_" + "a" * 43, "name": "Ada", "secret": SECRET}

    for _ in range(ROUNDS):
        answers = [
            await app.client().post("/api/session", json=wrong),
            await admin.post("/api/languages", json={"code": "de", "name": "German"}),
            await app.client().post("/api/keys/redeem", json=setup),
            await admin.delete("/api/sessions/00000000-0000-7000-8000-000000000000"),
            await admin.patch("/api/languages/da", json={"name": "Danish"}),
        ]
        assert [answer.status_code for answer in answers] == [401, 409, 410, 404, 404]

    assert _connections_in_use(app) == (0, 0)


async def test_database_errors_return_their_connections(app: RunningApp) -> None:
    await app.user()
    pool = app.resources.database.pool
    await pool.execute("ALTER TABLE sessions RENAME TO hidden")
    try:
        for _ in range(ROUNDS):
            assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 500
            assert (await app.with_cookie("ost_" + "a" * 43).get("/api/session")).status_code == 500
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
