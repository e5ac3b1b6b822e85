"""Double spend: many use one single-use key at the same moment, and more than one gets through."""

from collections import Counter
from datetime import timedelta

import httpx
import pytest

from app.auth.tokens import new_link_token, token_hash
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from tests.support.app import SECRET, RunningApp, problem
from tests.support.races import at_once

RIVALS = 16


@pytest.mark.parametrize("_round", range(10))
async def test_an_invitation_is_redeemed_by_exactly_one_of_many_rivals(app: RunningApp, _round: int) -> None:
    body = {"token": await app.invitation(), "name": "Eve", "secret": SECRET}

    async def redeem(number: int) -> httpx.Response:
        async with app.client() as client:
            return await client.post("/api/keys/redeem", json={**body, "name": f"Eve {number}"})

    answers = await at_once(RIVALS, redeem)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 410: RIVALS - 1}
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 201)
    rows = await app.resources.database.pool.fetch("SELECT u.name FROM sessions s JOIN users u ON u.id = s.user_id")
    assert [row["name"] for row in rows] == [f"Eve {winner}"]


@pytest.mark.parametrize("_round", range(10))
async def test_the_setup_link_makes_exactly_one_admin_of_many_rivals(app: RunningApp, _round: int) -> None:
    token = await app.setup_token()

    async def redeem(number: int) -> httpx.Response:
        body = {"token": token, "email": f"rival{number}@example.org", "name": "Rival", "secret": SECRET}
        async with app.client() as client:
            return await client.post("/api/keys/redeem", json=body)

    answers = await at_once(RIVALS, redeem)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 410: RIVALS - 1}
    pool = app.resources.database.pool
    assert await pool.fetchval("SELECT count(*) FROM users") == 1
    assert await pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'primary'") == 1
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 1


async def test_the_consuming_statement_gives_the_key_to_one_connection_only(app: RunningApp) -> None:
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

        won = await at_once(RIVALS, lambda _, hashed=hashed: consume(hashed))  # type: ignore[misc]

        assert won.count(True) == 1


async def test_a_used_link_answers_like_an_unknown_one(app: RunningApp) -> None:
    body = {"token": await app.invitation(), "name": "Eve", "secret": SECRET}
    async with app.client() as client:
        assert (await client.post("/api/keys/redeem", json=body)).status_code == 201
    async with app.client() as client:
        used = await client.post("/api/keys/redeem", json=body)
        unknown = await client.post("/api/keys/redeem", json={**body, "token": new_link_token()})

    assert used.status_code == unknown.status_code == 410
    assert {**problem(used), "instance": ""} == {**problem(unknown), "instance": ""}
