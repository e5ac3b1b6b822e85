"""Pool exhaustion: requests that fail, or are given up, keep their connection until nobody gets one any more."""

import asyncio
from typing import cast

import httpx
import pytest
from sqlalchemy.pool import QueuePool

from tests.support.app import CREDENTIALS, SECRET, RunningApp

ROUNDS = 40


def _leaked(app: RunningApp) -> tuple[int, int]:
    """The connections that are out: of the engine, and of the direct pool."""
    pool = app.resources.database.pool
    return cast("QueuePool", app.resources.database.engine.pool).checkedout(), pool.get_size() - pool.get_idle_size()


async def test_failing_requests_give_their_connections_back(app: RunningApp) -> None:
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

    assert _leaked(app) == (0, 0)


async def test_errors_of_the_database_give_their_connections_back(app: RunningApp) -> None:
    await app.user()
    pool = app.resources.database.pool
    await pool.execute("ALTER TABLE sessions RENAME TO hidden")
    try:
        for _ in range(ROUNDS):
            assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 500
            assert (await app.with_cookie("ost_" + "a" * 43).get("/api/session")).status_code == 500
    finally:
        await pool.execute("ALTER TABLE hidden RENAME TO sessions")

    assert _leaked(app) == (0, 0)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


@pytest.mark.parametrize("path", ["/api/session", "/api/languages"])
async def test_requests_that_the_client_gives_up_give_their_connections_back(app: RunningApp, path: str) -> None:
    admin = await app.signed_in(admin=True)
    body = CREDENTIALS if path == "/api/session" else {"code": "de", "name": "German"}

    async def given_up(turns: int) -> None:
        request = asyncio.create_task(admin.post(path, json=body))
        for _ in range(turns):
            await asyncio.wait([request], timeout=0)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)

    for turns in range(ROUNDS):
        await asyncio.gather(*(given_up(turns) for _ in range(4)))

    last: httpx.Response = await admin.get("/api/session")
    assert last.status_code == 200
    assert _leaked(app) == (0, 0)
