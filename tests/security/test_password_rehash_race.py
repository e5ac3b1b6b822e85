"""Lockout by rehashing: sign-ins with the right secret are refused while another sign-in stores a stronger hash."""

from collections import Counter

import httpx
import pytest

from tests.support.app import CREDENTIALS, SECRET, Clock, RunningApp, running, settings_for
from tests.support.races import at_once

CONCURRENT = 16


@pytest.mark.parametrize("path", ["/api/session", "/api/session/reauthentication"])
async def test_every_right_secret_is_accepted_while_the_hash_is_replaced(
    app: RunningApp, database_url: str, path: str
) -> None:
    async with running(settings_for(database_url, ARGON2_ITERATIONS="2"), Clock()) as stronger_app:
        for _ in range(3):
            await app.resources.database.pool.execute("TRUNCATE users CASCADE")
            user = await app.user()
            tokens = [await app.token(user) for _ in range(CONCURRENT)]
            body = CREDENTIALS if path == "/api/session" else {"method": "password", "secret": SECRET}

            async def authenticate(number: int) -> httpx.Response:
                return await stronger_app.with_cookie(tokens[number]).post(path, json=body)  # noqa: B023

            answers = await at_once(CONCURRENT, authenticate)

            assert Counter(answer.is_success for answer in answers) == {True: CONCURRENT}
            stored = await app.resources.database.pool.fetchval("SELECT secret_hash FROM keys")
            assert not stronger_app.resources.hasher.needs_rehash(stored)


async def test_a_wrong_secret_does_not_replace_the_hash(app: RunningApp, database_url: str) -> None:
    await app.user()
    before = await app.resources.database.pool.fetchval("SELECT secret_hash FROM keys")

    async with running(settings_for(database_url, ARGON2_ITERATIONS="2"), Clock()) as stronger_app:
        answer = await stronger_app.client().post(
            "/api/session", json={**CREDENTIALS, "secret": "not the secret at all"}
        )

    assert answer.status_code == 401
    assert await app.resources.database.pool.fetchval("SELECT secret_hash FROM keys") == before
