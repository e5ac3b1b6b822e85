"""Single-use keys in the database: one live key for an address and purpose, expiry, attempts, and consumption."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from app.auth.tokens import code_hash, new_link_token, token_hash
from app.domain.flows.purpose_registry import PURPOSES
from app.domain.keys.models import Key
from app.domain.keys.single_use_repository import CodeOf, SingleUseKeyRepository, end_of
from tests.support.app import RunningApp
from tests.support.races import at_once, queued

ADDRESS, PURPOSE, FLOW = "ada@example.org", "sign_in", "a hash of a flow"
LIFETIME = timedelta(minutes=10)


def hash_of(code: str, address: str = ADDRESS) -> str:
    return code_hash(b"server key", address=address, purpose=PURPOSE, code=code)


async def issue(
    app: RunningApp,
    code: str | None = None,
    *,
    address: str = ADDRESS,
    purpose: str = PURPOSE,
    user_id: UUID | None = None,
    flow: str = FLOW,
    continued: UUID | None = None,
    displaced: Collection[UUID] = (),
) -> bytes:
    """Issue a key with a link and, if given, a code with 5 attempts; returns the hash of the link's token."""
    hashed = token_hash(new_link_token())
    async with app.resources.database.transaction() as transaction:
        await SingleUseKeyRepository(transaction).issue(
            purpose=purpose,
            address=address,
            user_id=user_id,
            token_hash=hashed,
            code_hash=hash_of(code, address) if code else None,
            attempts=5 if code else None,
            flow_hash=flow if code else None,
            continued=continued,
            displaced=displaced,
            payload={"for": purpose},
            now=app.clock(),
            expires_at=app.clock() + LIFETIME,
        )
    return hashed


async def consume(app: RunningApp, hashed: bytes, purpose: str = PURPOSE) -> Key | None:
    async with app.resources.database.transaction() as transaction:
        return await SingleUseKeyRepository(transaction).consume_link(hashed, purpose, app.clock())


async def guess(app: RunningApp, code: str, address: str = ADDRESS, flow: str = FLOW) -> Key | None:
    """Guess a code: the attempt is counted and committed before the code is compared."""
    place = CodeOf(address, PURPOSE, flow, LIFETIME)
    async with app.resources.database.transaction() as transaction:
        counted = await SingleUseKeyRepository(transaction).count_attempt(place, app.clock())
    if counted is None:
        return None
    async with app.resources.database.transaction() as transaction:
        keys = SingleUseKeyRepository(transaction)
        return await keys.consume_code(place, [hash_of(code, address)], app.clock())


async def is_live(app: RunningApp, hashed: bytes) -> bool:
    """Whether the link can still be used."""
    async with app.resources.database.transaction() as transaction:
        key = await SingleUseKeyRepository(transaction).find_link(hashed)
    return key is not None and end_of(key, app.clock()) is None


async def test_finding_a_live_key_does_not_consume_the_key(app: RunningApp) -> None:
    hashed = await issue(app)
    assert await is_live(app, hashed)
    assert await is_live(app, hashed)


async def test_a_key_is_consumed_once_and_returned_with_its_payload(app: RunningApp) -> None:
    hashed = await issue(app)
    key = await consume(app, hashed)
    assert key is not None
    assert (key.address, key.payload, key.used_at) == (ADDRESS, {"for": PURPOSE}, app.clock())
    assert await consume(app, hashed) is None
    assert not await is_live(app, hashed)


async def test_one_of_12_concurrent_uses_consumes_a_link(app: RunningApp) -> None:
    hashed = await issue(app)
    keys_found = await at_once(12, lambda _: consume(app, hashed))
    assert sum(key is not None for key in keys_found) == 1


async def test_one_of_12_concurrent_guesses_consumes_a_code(app: RunningApp) -> None:
    await issue(app, "12345678")
    keys_found = await at_once(12, lambda _: guess(app, "12345678"))
    assert sum(key is not None for key in keys_found) == 1


async def test_a_key_is_not_consumed_with_another_purpose_address_or_token(app: RunningApp) -> None:
    hashed = await issue(app, "12345678")
    await issue(app, "87654321", address="eve@example.org")
    assert await consume(app, hashed, "password_reset") is None
    assert await consume(app, token_hash(new_link_token())) is None
    assert await guess(app, "12345678", "eve@example.org") is None
    assert await guess(app, "12345678") is not None


async def test_a_key_is_not_usable_from_its_expiry_time_on(app: RunningApp) -> None:
    hashed = await issue(app, "12345678")
    app.clock.now += LIFETIME
    assert not await is_live(app, hashed)
    assert await consume(app, hashed) is None
    assert await guess(app, "12345678") is None
    app.clock.forward(seconds=-1)
    assert await consume(app, hashed) is not None


async def test_a_new_code_of_a_flow_voids_its_code_but_not_its_link(app: RunningApp) -> None:
    first = await issue(app, "11111111")
    second = await issue(app, "22222222")
    assert await guess(app, "11111111") is None
    assert await consume(app, first) is not None
    assert await guess(app, "22222222") is not None
    assert await consume(app, second) is None


async def test_a_flow_can_get_a_code_after_its_code_has_expired_or_was_used(app: RunningApp) -> None:
    await issue(app, "11111111")
    app.clock.now += LIFETIME
    await issue(app, "22222222")
    assert await guess(app, "22222222") is not None
    await issue(app, "33333333")
    assert await guess(app, "33333333") is not None


async def test_a_new_code_gives_back_no_attempt_that_is_being_counted(app: RunningApp) -> None:
    await issue(app, "11111111")
    pool = app.resources.database.pool
    continued = await pool.fetchval("SELECT id FROM keys")
    async with queued(app, "SELECT 1 FROM keys FOR UPDATE") as queue:
        guesses = [await queue.add(guess(app, "00000000")) for _ in range(3)]
        issued = await queue.add(issue(app, "22222222", continued=continued))
    await issued
    assert [await task for task in guesses] == [None] * 3
    # A guess that comes after the new code finds none, and takes no attempt.
    left = {row["flow_hash"] is None: row["attempts_left"] for row in await pool.fetch("TABLE keys")}
    assert left[True] == left[False] < 5


async def test_codes_of_other_flows_purposes_and_addresses_stay_but_for_the_displaced(app: RunningApp) -> None:
    await issue(app, "11111111", flow="first")
    await issue(app, "22222222", flow="second")
    await issue(app, "33333333", address="eve@example.org")
    displaced = await app.resources.database.pool.fetchval("SELECT id FROM keys WHERE flow_hash = 'first'")
    await issue(app, "44444444", displaced=[displaced])
    assert await guess(app, "11111111", flow="first") is None
    assert await guess(app, "22222222", flow="second") is not None
    assert await guess(app, "33333333", "eve@example.org") is not None
    assert await guess(app, "44444444") is not None


async def test_a_code_does_not_work_with_another_flow_and_wrong_flows_cost_no_attempt(app: RunningApp) -> None:
    await issue(app, "12345678")
    for _ in range(6):
        assert await guess(app, "12345678", flow="another") is None
    assert await app.resources.database.pool.fetchval("SELECT attempts_left FROM keys") == 5
    assert await guess(app, "12345678") is not None


async def test_a_new_link_leaves_all_earlier_links_usable(app: RunningApp) -> None:
    links = await at_once(8, lambda _: issue(app))
    assert all([await is_live(app, hashed) for hashed in links])


async def test_a_voided_key_stays_as_a_row_that_counts_as_mail(app: RunningApp) -> None:
    user_id = await app.user()
    hashed = await issue(app, user_id=user_id)
    async with app.resources.database.transaction() as transaction:
        keys = SingleUseKeyRepository(transaction)
        assert len(await keys.void_keys(user_id, keep=())) == 1
        assert await keys.void_keys(user_id, keep=()) == []
    assert not await is_live(app, hashed)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use'") == 1


async def test_5_wrong_guesses_void_the_code_but_not_the_link(app: RunningApp) -> None:
    hashed = await issue(app, "12345678")
    for _ in range(5):
        assert await guess(app, "00000000") is None
    assert await guess(app, "12345678") is None
    assert await consume(app, hashed) is not None


async def test_the_right_code_is_accepted_at_the_fifth_guess(app: RunningApp) -> None:
    await issue(app, "12345678")
    for _ in range(4):
        await guess(app, "00000000")
    assert await guess(app, "12345678") is not None


async def test_5_of_100_concurrent_guesses_are_counted_as_attempts(app: RunningApp) -> None:
    await issue(app, "12345678")

    async def attempt(_: int) -> bool:
        async with app.resources.database.transaction() as transaction:
            return (
                await SingleUseKeyRepository(transaction).count_attempt(
                    CodeOf(ADDRESS, PURPOSE, FLOW, LIFETIME), app.clock()
                )
                is not None
            )

    assert sum(await at_once(100, attempt)) == 5


async def test_a_key_without_a_code_cannot_be_guessed(app: RunningApp) -> None:
    await issue(app)
    assert await guess(app, "12345678") is None


async def test_voiding_covers_the_keys_of_the_user_and_of_their_address_and_no_others(app: RunningApp) -> None:
    ada, eve = await app.user(), await app.user("eve@example.org")
    of_ada = [await issue(app, user_id=ada, address="new@example.org"), await issue(app, address=ADDRESS)]
    of_others = [await issue(app, user_id=eve, address="eve@example.org")]
    async with app.resources.database.transaction() as transaction:
        await SingleUseKeyRepository(transaction).void_keys(ada, keep=())
    assert [await is_live(app, hashed) for hashed in of_ada] == [False, False]
    assert [await is_live(app, hashed) for hashed in of_others] == [True]
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
async def test_the_constraints_of_the_table_refuse_a_malformed_key(app: RunningApp, change: str) -> None:
    await issue(app, "12345678")
    async with app.resources.database.transaction() as transaction:
        connection = await transaction.connection()
        with pytest.raises(IntegrityError):
            await connection.exec_driver_sql(change)
        await transaction.rollback()


async def test_every_purpose_is_registered_by_its_name_and_has_a_lifetime(app: RunningApp) -> None:
    assert "invitation" in PURPOSES
    for name, purpose in PURPOSES.items():
        assert purpose.name == name
        assert purpose.code or purpose.link_lifetime is not None
        assert purpose.link_lifetime is None or purpose.link_lifetime(app.settings) > timedelta()
