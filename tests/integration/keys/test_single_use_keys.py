"""The single-use key core: one live key for an address and purpose, its expiry, its attempts, and consuming it."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from app.auth.tokens import code_hash, new_link_token, token_hash
from app.domain.flows.purpose_registry import PURPOSES
from app.domain.keys.models import Key
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from tests.support.app import RunningApp
from tests.support.races import at_once

ADDRESS, PURPOSE = "ada@example.org", "sign_in"
MINUTES = timedelta(minutes=10)


def hash_of(code: str, address: str = ADDRESS) -> str:
    return code_hash(b"server key", address=address, purpose=PURPOSE, code=code)


async def issue(
    app: RunningApp,
    code: str | None = None,
    *,
    address: str = ADDRESS,
    purpose: str = PURPOSE,
    user_id: UUID | None = None,
) -> bytes:
    """A new key with a link and, where given, a code with five attempts; gives the hash of the link's token."""
    hashed = token_hash(new_link_token())
    async with app.resources.database.transaction() as transaction:
        await SingleUseKeyRepository(transaction).issue(
            purpose=purpose,
            address=address,
            user_id=user_id,
            token_hash=hashed,
            code_hash=hash_of(code, address) if code else None,
            attempts=5 if code else None,
            payload={"for": purpose},
            now=app.clock(),
            expires_at=app.clock() + MINUTES,
        )
    return hashed


async def consume(app: RunningApp, hashed: bytes, purpose: str = PURPOSE) -> Key | None:
    async with app.resources.database.transaction() as transaction:
        return await SingleUseKeyRepository(transaction).consume_link(hashed, purpose, app.clock())


async def guess(app: RunningApp, code: str, address: str = ADDRESS) -> Key | None:
    """One guess as it must be made: counted and committed first, compared after."""
    async with app.resources.database.transaction() as transaction:
        counted = await SingleUseKeyRepository(transaction).count_attempt(address, PURPOSE, MINUTES, app.clock())
    if counted is None:
        return None
    async with app.resources.database.transaction() as transaction:
        keys = SingleUseKeyRepository(transaction)
        return await keys.consume_code(address, PURPOSE, MINUTES, [hash_of(code, address)], app.clock())


async def live(app: RunningApp, hashed: bytes) -> bool:
    async with app.resources.database.transaction() as transaction:
        return await SingleUseKeyRepository(transaction).find_live(hashed, app.clock()) is not None


async def test_looking_at_a_key_does_not_consume_it(app: RunningApp) -> None:
    hashed = await issue(app)
    assert await live(app, hashed)
    assert await live(app, hashed)


async def test_a_key_is_consumed_once_and_tells_what_it_carries(app: RunningApp) -> None:
    hashed = await issue(app)
    key = await consume(app, hashed)
    assert key is not None
    assert (key.address, key.payload, key.used_at) == (ADDRESS, {"for": PURPOSE}, app.clock())
    assert await consume(app, hashed) is None
    assert not await live(app, hashed)


async def test_a_link_is_spent_by_exactly_one_of_many_concurrent_uses(app: RunningApp) -> None:
    hashed = await issue(app)
    won = await at_once(12, lambda _: consume(app, hashed))
    assert sum(key is not None for key in won) == 1


async def test_a_code_is_spent_by_exactly_one_of_many_concurrent_uses(app: RunningApp) -> None:
    await issue(app, "12345678")
    won = await at_once(12, lambda _: guess(app, "12345678"))
    assert sum(key is not None for key in won) == 1


async def test_a_key_is_worthless_for_another_purpose_address_or_token(app: RunningApp) -> None:
    hashed = await issue(app, "12345678")
    await issue(app, "87654321", address="eve@example.org")
    assert await consume(app, hashed, "password_reset") is None
    assert await consume(app, token_hash(new_link_token())) is None
    assert await guess(app, "12345678", "eve@example.org") is None
    assert await guess(app, "12345678") is not None


async def test_a_key_expires_exactly_at_its_time(app: RunningApp) -> None:
    hashed = await issue(app, "12345678")
    app.clock.now += MINUTES
    assert not await live(app, hashed)
    assert await consume(app, hashed) is None
    assert await guess(app, "12345678") is None
    app.clock.forward(seconds=-1)
    assert await consume(app, hashed) is not None


async def test_a_new_key_voids_the_one_before_and_starts_its_attempts_anew(app: RunningApp) -> None:
    first = await issue(app, "11111111")
    for _ in range(5):
        assert await guess(app, "00000000") is None
    second = await issue(app, "22222222")
    assert await consume(app, first) is None
    assert await guess(app, "11111111") is None
    assert await guess(app, "22222222") is not None
    assert await consume(app, second) is None


async def test_keys_issued_at_once_leave_one_alive(app: RunningApp) -> None:
    hashes = await at_once(8, lambda _: issue(app))
    assert sum([await live(app, hashed) for hashed in hashes]) == 1


async def test_other_purposes_and_addresses_are_not_voided(app: RunningApp) -> None:
    others = [await issue(app, purpose="email_change"), await issue(app, address="eve@example.org")]
    await issue(app)
    assert [await live(app, hashed) for hashed in others] == [True, True]


async def test_five_wrong_guesses_burn_a_code_and_the_right_one_comes_too_late(app: RunningApp) -> None:
    hashed = await issue(app, "12345678")
    for _ in range(5):
        assert await guess(app, "00000000") is None
    assert await guess(app, "12345678") is None
    assert await consume(app, hashed) is not None


async def test_the_fifth_guess_still_counts(app: RunningApp) -> None:
    await issue(app, "12345678")
    for _ in range(4):
        await guess(app, "00000000")
    assert await guess(app, "12345678") is not None


async def test_a_hundred_guesses_at_once_spend_the_same_five_attempts(app: RunningApp) -> None:
    await issue(app, "12345678")

    async def attempt(_: int) -> bool:
        async with app.resources.database.transaction() as transaction:
            return (
                await SingleUseKeyRepository(transaction).count_attempt(ADDRESS, PURPOSE, MINUTES, app.clock())
                is not None
            )

    assert sum(await at_once(100, attempt)) == 5


async def test_a_key_without_a_code_takes_no_guesses(app: RunningApp) -> None:
    await issue(app)
    assert await guess(app, "12345678") is None


async def test_voiding_takes_every_key_on_the_users_account_and_no_other(app: RunningApp) -> None:
    ada, eve = await app.user(), await app.user("eve@example.org")
    hers = [await issue(app, user_id=ada, address="new@example.org"), await issue(app, address=ADDRESS)]
    others = [await issue(app, user_id=eve, address="eve@example.org")]
    async with app.resources.database.transaction() as transaction:
        await SingleUseKeyRepository(transaction).void_keys(ada, keep=())
    assert [await live(app, hashed) for hashed in hers] == [False, False]
    assert [await live(app, hashed) for hashed in others] == [True]
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'primary'") == 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE keys SET kind = 'external'",
        "UPDATE keys SET address = NULL",
        "UPDATE keys SET expires_at = NULL",
        "UPDATE keys SET purpose = NULL",
        "UPDATE keys SET attempts_left = -1",
        "UPDATE keys SET kind = 'primary'",
    ],
)
async def test_the_database_itself_refuses_a_malformed_key(app: RunningApp, change: str) -> None:
    await issue(app, "12345678")
    async with app.resources.database.transaction() as transaction:
        connection = await transaction.connection()
        with pytest.raises(IntegrityError):
            await connection.exec_driver_sql(change)
        await transaction.rollback()


async def test_every_purpose_is_found_by_its_name_and_lives_a_while(app: RunningApp) -> None:
    assert "invitation" in PURPOSES
    for name, purpose in PURPOSES.items():
        assert purpose.name == name
        assert purpose.code or purpose.link_lifetime is not None
        assert purpose.link_lifetime is None or purpose.link_lifetime(app.settings) > timedelta()
