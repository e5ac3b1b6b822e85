"""Denial of service by password hashing: sign-ins beyond the hash capacity exhaust memory or block other requests."""

import asyncio
from collections import Counter
from collections.abc import Awaitable

import httpx
import pytest

from app.auth.passwords.hasher import REQUESTS_PER_PROCESS
from app.errors import Problem
from tests.support.app import CREDENTIALS, SECRET, Clock, running, settings_for
from tests.support.hash_work import hashes_computed
from tests.support.races import at_once

CONCURRENT = 32
SMALL_POOL = {"HASH_CONCURRENCY": "1", "HASH_QUEUE": "2"}
# All requests are right guesses at one account, which count until they are answered.
NO_LIMIT = {"LIMIT_GUESS_BY_ACCOUNT_STRANGERS": "off", "LIMIT_GUESS_BY_CLIENT": "off"}
SLOW_HASHES = {"ARGON2_MEMORY_KIB": "32768", "ARGON2_ITERATIONS": "4"}


async def test_a_full_hash_queue_answers_503_and_other_requests_are_served(database_url: str) -> None:
    async with running(settings_for(database_url, **SMALL_POOL, **SLOW_HASHES, **NO_LIMIT), Clock()) as app:
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        await app.user()
        reader = app.with_cookie(await app.token(await app.user("eve@example.org", secret=None)))
        waiting = 0

        async def send(number: int) -> httpx.Response:
            nonlocal waiting
            if number:
                waiting += 1
                answer = await app.client().post("/api/session", json=CREDENTIALS)
                waiting -= 1
                return answer
            # A concurrent read is answered while hashes are computed.
            read = await reader.get("/api/session")
            assert waiting > 0
            return read

        read, *answers = await at_once(CONCURRENT, send)
        afterwards = await app.client().post("/api/session", json=CREDENTIALS)

    assert read.json()["user"]["email"] == "eve@example.org"
    # One request of a stranger fits at first, and one more for each hash that ends while requests still arrive.
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() == {201, 503}
    assert 1 <= statuses[201] < CONCURRENT // 2
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert all(answer.json()["code"] == "temporarily_unavailable" for answer in refused)
    assert afterwards.status_code == 201


async def test_refused_hashes_free_their_place_in_the_queue(database_url: str) -> None:
    async with running(settings_for(database_url, **SMALL_POOL), Clock()) as app:
        hasher = app.resources.hasher
        for _ in range(5):
            outcomes = await at_once(CONCURRENT, lambda _: _outcome(hasher.verify(None, SECRET)))
            assert outcomes.count("no") >= 3

        assert hasher._queue.taken == 0
        assert await hasher.verify(await hasher.hash(SECRET), SECRET)


async def test_cancelled_hashes_free_their_place_in_the_queue(database_url: str) -> None:
    # Longer than what one process takes: a process computes what it has taken even if the requests are cancelled.
    settings = settings_for(database_url, **SLOW_HASHES, HASH_CONCURRENCY="1", HASH_QUEUE=str(2 * REQUESTS_PER_PROCESS))
    async with running(settings, Clock()) as app:
        hasher = app.resources.hasher
        for _ in range(5):
            waiting = [asyncio.ensure_future(hasher.verify(None, SECRET)) for _ in range(REQUESTS_PER_PROCESS + 2)]
            await asyncio.wait(waiting, timeout=0)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

        assert not await hasher.verify(None, SECRET)
        assert hasher._queue.taken == 0


@pytest.mark.parametrize("body", [{**CREDENTIALS, "email": "no address"}, {**CREDENTIALS, "method": "other"}, {}])
async def test_an_invalid_request_computes_no_hash(database_url: str, body: dict[str, str]) -> None:
    async with running(settings_for(database_url), Clock()) as app:
        assert (await app.client().post("/api/session", json=body)).status_code == 422
        unknown = {"token": "osk_" + "a" * 43, "name": "Eve", "secret": SECRET}
        assert (await app.client().post("/api/keys/redeem", json=unknown)).status_code == 410
        assert hashes_computed(app.resources.hasher) == 0
        assert app.resources.hasher._queue.taken == 0


async def _outcome(send: Awaitable[bool]) -> str:
    try:
        return "yes" if await send else "no"
    except Problem as problem:
        return problem.code
