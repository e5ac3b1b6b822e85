"""Hashing: argon2id with the parameters of the settings, a decoy hash, and a bounded queue."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.auth.passwords.hasher import REQUESTS_PER_PROCESS, SecretHasher
from app.errors import Problem
from app.settings.model import Settings
from tests.support.hash_work import hashes_computed

SECRET = "seven lamps on a quiet harbour"
FAST = Settings(argon2_memory_kib=8, argon2_iterations=1)


@pytest.fixture
async def hasher() -> AsyncIterator[SecretHasher]:
    made = SecretHasher(FAST)
    yield made
    await made.close()


async def test_a_hash_is_salted_argon2id_with_the_parameters_of_the_settings(hasher: SecretHasher) -> None:
    first, second = await hasher.hash(SECRET), await hasher.hash(SECRET)
    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert first != second


async def test_only_the_same_secret_matches(hasher: SecretHasher) -> None:
    stored = await hasher.hash(SECRET)
    assert await hasher.verify(stored, SECRET)
    assert not await hasher.verify(stored, SECRET + " ")
    assert not await hasher.verify(stored, "")


async def test_no_secret_matches_a_missing_or_invalid_hash_but_a_hash_is_computed(hasher: SecretHasher) -> None:
    for stored in (None, "not a PHC string", ""):
        before = hashes_computed(hasher)
        assert not await hasher.verify(stored, SECRET)
        assert hashes_computed(hasher) == before + 1


async def test_the_secret_of_the_decoy_hash_does_not_match(hasher: SecretHasher) -> None:
    assert not await hasher.verify(None, "a secret that nobody has")


async def test_a_hash_with_other_parameters_needs_a_rehash(hasher: SecretHasher) -> None:
    stronger = SecretHasher(Settings(argon2_memory_kib=16, argon2_iterations=1))
    stored = await hasher.hash(SECRET)
    assert not hasher.needs_rehash(stored)
    assert stronger.needs_rehash(stored)
    assert await stronger.verify(stored, SECRET)
    await stronger.close()


async def test_a_full_queue_refuses_immediately_and_accepts_again_later() -> None:
    hasher = SecretHasher(Settings(argon2_memory_kib=8, argon2_iterations=1, hash_concurrency=1, hash_queue=2))
    outcomes = await asyncio.gather(*[hasher.hash(SECRET) for _ in range(10)], return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert len(refused) == 7
    assert {problem.code for problem in refused} == {"temporarily_unavailable"}
    assert refused[0].headers == {"Retry-After": "1"}
    assert await hasher.hash(SECRET)
    await hasher.close()


async def test_a_cancelled_call_frees_its_place() -> None:
    hasher = SecretHasher(
        Settings(argon2_memory_kib=8, argon2_iterations=1, hash_concurrency=1, hash_queue=REQUESTS_PER_PROCESS)
    )
    at_work = [asyncio.ensure_future(hasher.hash(SECRET)) for _ in range(REQUESTS_PER_PROCESS)]
    for _ in range(5):
        waiting = asyncio.ensure_future(hasher.hash(SECRET))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await asyncio.gather(*at_work)
    assert await hasher.verify(await hasher.hash(SECRET), SECRET)
    await hasher.close()
