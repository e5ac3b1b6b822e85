"""Bypass of the attempt counter: concurrent guesses, or guesses whose request fails, are not counted."""

from datetime import timedelta

import pytest

from app.auth.tokens import code_hash, new_link_token, token_hash
from app.domain.keys.models import Key
from app.domain.keys.single_use_repository import CodeOf, SingleUseKeyRepository
from tests.support.app import RunningApp
from tests.support.races import at_once

ADDRESS, PURPOSE, CODE = "ada@example.org", "sign_in", "12345678"
KEY = b"k" * 32
ATTEMPTS = 5
LIFETIME = timedelta(minutes=10)
GUESSES = 100
FLOW = "a hash of a flow"
CODE_OF_ADA = CodeOf(ADDRESS, PURPOSE, FLOW, LIFETIME)


def _hash(code: str, *, address: str = ADDRESS, purpose: str = PURPOSE) -> str:
    return code_hash(KEY, address=address, purpose=purpose, code=code)


async def _issue(app: RunningApp, *, address: str = ADDRESS, purpose: str = PURPOSE) -> None:
    async with app.resources.database.transaction() as transaction:
        await SingleUseKeyRepository(transaction).issue(
            purpose=purpose,
            address=address,
            user_id=None,
            token_hash=token_hash(new_link_token()),
            code_hash=_hash(CODE, address=address, purpose=purpose),
            attempts=ATTEMPTS,
            flow_hash=FLOW,
            payload={},
            now=app.clock(),
            expires_at=app.clock() + LIFETIME,
        )


async def _try_code(app: RunningApp, code: str, *, address: str = ADDRESS, purpose: str = PURPOSE) -> str:
    """Try a code as a sign-in does: count the attempt in one transaction, then compare the code in another."""
    database = app.resources.database
    async with database.transaction() as transaction:
        keys = SingleUseKeyRepository(transaction)
        counted: Key | None = await keys.count_attempt(CodeOf(address, purpose, FLOW, LIFETIME), app.clock())
    if counted is None:
        return "refused"
    hashes = [_hash(code, address=address, purpose=purpose)]
    async with database.transaction() as transaction:
        key = await SingleUseKeyRepository(transaction).consume_code(
            CodeOf(address, purpose, FLOW, LIFETIME), hashes, app.clock()
        )
    return "wrong" if key is None else "accepted"


async def test_100_concurrent_wrong_codes_use_5_attempts(app: RunningApp) -> None:
    for _ in range(3):
        await _issue(app)

        outcomes = await at_once(GUESSES, lambda number: _try_code(app, f"{number:08}"))

        assert (outcomes.count("wrong"), outcomes.count("refused")) == (ATTEMPTS, GUESSES - ATTEMPTS)
        assert await app.resources.database.pool.fetchval("SELECT attempts_left FROM keys") == 0
        assert await _try_code(app, CODE) == "refused"


async def test_concurrent_right_codes_consume_the_key_once(app: RunningApp) -> None:
    for _ in range(10):
        await _issue(app)

        outcomes = await at_once(16, lambda _: _try_code(app, CODE))

        assert outcomes.count("accepted") == 1
        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE used_at IS NULL") == 0


async def test_an_attempt_is_counted_even_if_the_request_fails(app: RunningApp) -> None:
    await _issue(app)
    database = app.resources.database

    for left in (4, 3, 2):
        with pytest.raises(RuntimeError, match="the request fails"):
            await _count_then_fail(app)
        assert await database.pool.fetchval("SELECT attempts_left FROM keys") == left


async def _count_then_fail(app: RunningApp) -> None:
    database = app.resources.database
    async with database.transaction() as counting:
        await SingleUseKeyRepository(counting).count_attempt(CODE_OF_ADA, app.clock())
    async with database.transaction() as transaction:
        await SingleUseKeyRepository(transaction).consume_code(CODE_OF_ADA, [_hash(CODE)], app.clock())
        raise RuntimeError("the request fails")


@pytest.mark.parametrize(("address", "purpose"), [("eve@example.org", PURPOSE), (ADDRESS, "password_reset")])
async def test_a_code_is_refused_for_another_address_or_purpose(app: RunningApp, address: str, purpose: str) -> None:
    await _issue(app)
    await _issue(app, address=address, purpose=purpose)
    database = app.resources.database

    async with database.transaction() as transaction:
        keys = SingleUseKeyRepository(transaction)
        consumed = await keys.consume_code(CodeOf(address, purpose, FLOW, LIFETIME), [_hash(CODE)], app.clock())

    assert consumed is None
    assert await _try_code(app, CODE) == "accepted"


async def test_wrong_codes_for_one_address_use_no_attempts_of_another(app: RunningApp) -> None:
    await _issue(app)
    await _issue(app, address="eve@example.org")

    await at_once(16, lambda _: _try_code(app, "00000000"))

    assert await _try_code(app, CODE) == "refused"
    assert await _try_code(app, CODE, address="eve@example.org") == "accepted"
