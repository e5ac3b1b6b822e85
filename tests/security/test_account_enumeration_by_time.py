"""Account enumeration by time: who has an account is told by how much work a refusal takes."""

from collections.abc import Awaitable, Callable

import pytest

from tests.support.app import CREDENTIALS, SECRET, World, problem


async def _unknown(_: World) -> None:
    """Nobody has the address."""


async def _wrong_secret(world: World) -> None:
    await world.user(secret="nine quiet herons over water")


async def _no_secret(world: World) -> None:
    await world.user(secret=None)


async def _suspended(world: World) -> None:
    await world.services.users.suspend(await world.user())


async def _not_redeemed(world: World) -> None:
    await world.invitation("ada@example.org")


ACCOUNTS = (_unknown, _wrong_secret, _no_secret, _suspended, _not_redeemed)

Prepare = Callable[[World], Awaitable[None]]


@pytest.mark.parametrize("prepare", ACCOUNTS)
async def test_every_refusal_costs_one_hash(world: World, prepare: Prepare) -> None:
    await prepare(world)
    before = world.services.hasher.verifications

    answer = await world.client().post("/api/session", json=CREDENTIALS)

    assert answer.status_code == 401
    assert world.services.hasher.verifications - before == 1


async def test_a_sign_in_costs_one_hash_as_well(world: World) -> None:
    await world.user()
    before = world.services.hasher.verifications

    assert (await world.client().post("/api/session", json=CREDENTIALS)).status_code == 201
    assert world.services.hasher.verifications - before == 1


async def test_the_decoy_costs_what_a_stored_hash_costs(world: World) -> None:
    hasher = world.services.hasher

    assert not hasher.needs_rehash(hasher._decoy)
    assert not await hasher.verify(None, "a secret that nobody has")


async def test_every_refusal_reads_alike(world: World) -> None:
    answers = []
    for prepare in ACCOUNTS:
        await world.services.database.pool.execute("TRUNCATE users CASCADE")
        await prepare(world)
        answers.append(await world.client().post("/api/session", json=CREDENTIALS))

    seen = {(answer.status_code, str({**problem(answer), "instance": ""})) for answer in answers}
    headers = {
        frozenset(set(answer.headers.items()) - {("x-request-id", answer.headers["x-request-id"])})
        for answer in answers
    }
    assert len(seen) == 1
    assert len(headers) == 1


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
async def test_a_shape_that_is_refused_is_refused_for_every_address(world: World, email: str) -> None:
    await world.user()

    answer = await world.client().post("/api/session", json={**CREDENTIALS, "email": email, "secret": SECRET * 60})

    assert answer.status_code == 422
