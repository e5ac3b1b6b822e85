"""Guess flood: wrong guesses that run side by side, or whose request fails, are not counted."""

from datetime import timedelta

import pytest

from app.auth.tokens import code_hash, new_link_token, token_hash
from app.domain.keys.models import Key
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from tests.support.app import World
from tests.support.races import at_once

ADDRESS, PURPOSE, CODE = "ada@example.org", "sign_in", "12345678"
KEY = b"k" * 32
ATTEMPTS = 5
GUESSES = 100


def _hash(code: str, *, address: str = ADDRESS, purpose: str = PURPOSE) -> str:
    return code_hash(KEY, address=address, purpose=purpose, code=code)


async def _issue(world: World, *, address: str = ADDRESS, purpose: str = PURPOSE) -> None:
    async with world.services.database.transaction() as transaction:
        await SingleUseKeyRepository(session=transaction).issue(
            purpose=purpose,
            address=address,
            user_id=None,
            token_hash=token_hash(new_link_token()),
            code_hash=_hash(CODE, address=address, purpose=purpose),
            attempts=ATTEMPTS,
            payload={},
            now=world.clock(),
            expires_at=world.clock() + timedelta(minutes=10),
        )


async def _guess(world: World, code: str, *, address: str = ADDRESS, purpose: str = PURPOSE) -> str:
    """A guess as a sign-in makes it: counted in a transaction of its own, then compared in another."""
    database = world.services.database
    async with database.transaction() as transaction:
        keys = SingleUseKeyRepository(session=transaction)
        counted: Key | None = await keys.count_attempt(address, purpose, world.clock())
    if counted is None:
        return "refused"
    hashes = [_hash(code, address=address, purpose=purpose)]
    async with database.transaction() as transaction:
        key = await SingleUseKeyRepository(session=transaction).consume_code(address, purpose, hashes, world.clock())
    return "wrong" if key is None else "in"


async def test_a_hundred_wrong_guesses_at_once_spend_the_same_five_attempts(world: World) -> None:
    for _ in range(3):
        await _issue(world)

        outcomes = await at_once(GUESSES, lambda number: _guess(world, f"{number:08}"))

        assert (outcomes.count("wrong"), outcomes.count("refused")) == (ATTEMPTS, GUESSES - ATTEMPTS)
        assert await world.services.database.pool.fetchval("SELECT attempts_left FROM keys") == 0
        assert await _guess(world, CODE) == "refused"


async def test_the_right_code_of_many_at_once_lets_one_in(world: World) -> None:
    for _ in range(10):
        await _issue(world)

        outcomes = await at_once(16, lambda _: _guess(world, CODE))

        assert outcomes.count("in") == 1
        assert await world.services.database.pool.fetchval("SELECT count(*) FROM keys WHERE used_at IS NULL") == 0


async def test_an_attempt_is_counted_although_the_request_fails(world: World) -> None:
    await _issue(world)
    database = world.services.database

    for left in (4, 3, 2):
        with pytest.raises(RuntimeError, match="the request fails"):
            await _count_then_fail(world)
        assert await database.pool.fetchval("SELECT attempts_left FROM keys") == left


async def _count_then_fail(world: World) -> None:
    database = world.services.database
    async with database.transaction() as counting:
        await SingleUseKeyRepository(session=counting).count_attempt(ADDRESS, PURPOSE, world.clock())
    async with database.transaction() as transaction:
        await SingleUseKeyRepository(session=transaction).consume_code(ADDRESS, PURPOSE, [_hash(CODE)], world.clock())
        raise RuntimeError("the request fails")


@pytest.mark.parametrize(("address", "purpose"), [("eve@example.org", PURPOSE), (ADDRESS, "password_reset")])
async def test_a_code_is_worthless_for_another_address_or_purpose(world: World, address: str, purpose: str) -> None:
    await _issue(world)
    await _issue(world, address=address, purpose=purpose)
    database = world.services.database

    async with database.transaction() as transaction:
        keys = SingleUseKeyRepository(session=transaction)
        stolen = await keys.consume_code(address, purpose, [_hash(CODE)], world.clock())

    assert stolen is None
    assert await _guess(world, CODE) == "in"


async def test_guesses_at_one_address_leave_another_alone(world: World) -> None:
    await _issue(world)
    await _issue(world, address="eve@example.org")

    await at_once(16, lambda _: _guess(world, "00000000"))

    assert await _guess(world, CODE) == "refused"
    assert await _guess(world, CODE, address="eve@example.org") == "in"
