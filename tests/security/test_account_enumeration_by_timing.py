"""Account enumeration by timing: the work of a refused sign-in reveals whether an address has an account."""

from collections.abc import Awaitable, Callable

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.support.app import CREDENTIALS, SECRET, RunningApp, problem
from tests.support.hash_work import hashes_computed


async def _unknown(_: RunningApp) -> None:
    """No account has the address."""


async def _wrong_secret(app: RunningApp) -> None:
    await app.user(secret="nine quiet herons over water")


async def _no_secret(app: RunningApp) -> None:
    await app.user(secret=None)


async def _suspended(app: RunningApp) -> None:
    await suspend_user(OPERATOR, app.resources, await app.user())


async def _invited(app: RunningApp) -> None:
    await app.invitation("ada@example.org")


ACCOUNTS = (_unknown, _wrong_secret, _no_secret, _suspended, _invited)

Prepare = Callable[[RunningApp], Awaitable[None]]


@pytest.mark.parametrize("prepare", ACCOUNTS)
async def test_every_refused_sign_in_computes_one_hash(app: RunningApp, prepare: Prepare) -> None:
    await prepare(app)
    before = hashes_computed(app.resources.hasher)

    answer = await app.client().post("/api/session", json=CREDENTIALS)

    assert answer.status_code == 401
    assert hashes_computed(app.resources.hasher) - before == 1


async def test_a_successful_sign_in_computes_one_hash(app: RunningApp) -> None:
    await app.user()
    before = hashes_computed(app.resources.hasher)

    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201
    assert hashes_computed(app.resources.hasher) - before == 1


async def test_the_decoy_hash_has_the_cost_of_a_stored_hash(app: RunningApp) -> None:
    hasher = app.resources.hasher

    assert not hasher.needs_rehash(hasher._decoy_hash)
    assert not await hasher.verify(None, "a secret that nobody has")


async def test_every_refused_sign_in_gets_the_same_answer(app: RunningApp) -> None:
    answers = []
    for prepare in ACCOUNTS:
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        await prepare(app)
        answers.append(await app.client().post("/api/session", json=CREDENTIALS))

    bodies = {(answer.status_code, str({**problem(answer), "instance": ""})) for answer in answers}
    headers = {
        frozenset(set(answer.headers.items()) - {("x-request-id", answer.headers["x-request-id"])})
        for answer in answers
    }
    assert len(bodies) == 1
    assert len(headers) == 1


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
async def test_an_invalid_secret_is_answered_422_for_every_address(app: RunningApp, email: str) -> None:
    await app.user()

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": email, "secret": SECRET * 60})

    assert answer.status_code == 422
