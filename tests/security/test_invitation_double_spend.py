"""Double spend: concurrent requests redeem one invitation or setup link, and more than one succeeds."""

from collections import Counter
from datetime import timedelta

import httpx
import pytest

from app.auth.tokens import new_link_token, token_hash
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from tests.support.app import SECRET, RunningApp, problem
from tests.support.races import at_once

CONCURRENT = 16


@pytest.mark.parametrize("_round", range(10))
async def test_exactly_one_of_concurrent_redemptions_of_an_invitation_succeeds(app: RunningApp, _round: int) -> None:
    body = {"token": await app.invitation(), "name": "Eve", "secret": SECRET}

    async def redeem(number: int) -> httpx.Response:
        async with app.client() as client:
            return await client.post("/api/keys/redeem", json={**body, "name": f"Eve {number}"})

    answers = await at_once(CONCURRENT, redeem)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 410: CONCURRENT - 1}
    accepted = next(number for number, answer in enumerate(answers) if answer.status_code == 201)
    rows = await app.resources.database.pool.fetch("SELECT u.name FROM sessions s JOIN users u ON u.id = s.user_id")
    assert [row["name"] for row in rows] == [f"Eve {accepted}"]


@pytest.mark.parametrize("_round", range(10))
async def test_concurrent_redemptions_of_the_setup_link_create_exactly_one_admin(app: RunningApp, _round: int) -> None:
    token = await app.setup_token()

    async def redeem(number: int) -> httpx.Response:
        body = {"token": token, "email": f"user{number}@example.org", "name": "User", "secret": SECRET}
        async with app.client() as client:
            return await client.post("/api/keys/redeem", json=body)

    answers = await at_once(CONCURRENT, redeem)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 410: CONCURRENT - 1}
    pool = app.resources.database.pool
    assert await pool.fetchval("SELECT count(*) FROM users") == 1
    assert await pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'primary'") == 1
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 1


async def test_the_consuming_statement_returns_the_key_to_one_connection_only(app: RunningApp) -> None:
    now = app.clock()
    database = app.resources.database

    async def consume(hashed: bytes) -> bool:
        async with database.transaction() as transaction:
            return await SingleUseKeyRepository(transaction).consume_link(hashed, "invitation", now) is not None

    for _ in range(20):
        hashed = token_hash(new_link_token())
        async with database.transaction() as transaction:
            await SingleUseKeyRepository(transaction).issue(
                purpose="invitation",
                address="eve@example.org",
                user_id=None,
                token_hash=hashed,
                code_hash=None,
                attempts=None,
                payload={},
                now=now,
                expires_at=now + timedelta(minutes=1),
            )

        consumed = await at_once(CONCURRENT, lambda _, hashed=hashed: consume(hashed))  # type: ignore[misc]

        assert consumed.count(True) == 1


async def test_a_used_link_is_refused_as_an_unknown_one_and_says_that_it_was_used(app: RunningApp) -> None:
    body = {"token": await app.invitation(), "name": "Eve", "secret": SECRET}
    async with app.client() as client:
        assert (await client.post("/api/keys/redeem", json=body)).status_code == 201
    async with app.client() as client:
        used = await client.post("/api/keys/redeem", json=body)
        unknown = await client.post("/api/keys/redeem", json={**body, "token": new_link_token()})

    assert used.status_code == unknown.status_code == 410
    said = {"instance": "", "params": {"reason": "used"}, "text": used.json()["text"]}
    assert {**problem(used), "instance": ""} == {**problem(unknown), **said}
    assert "used already" in used.json()["text"]
