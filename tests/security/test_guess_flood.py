"""Guess flood: wrong codes from many clients, over many workers and codes, until one is right."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.app import CREDENTIALS, RunningApp, problem, running, settings_for
from tests.support.mailbox import ask, code_in, mailed, redeem, text_of, token_in, wrong
from tests.support.races import at_once

ADDRESS = "ada@example.org"
SIGN_IN = {"purpose": "sign_in", "email": ADDRESS}
LIMIT = 100


@pytest.fixture
async def second(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """Another worker on the same database."""
    async with running(settings_for(database_url), app.clock) as second:
        yield second


async def _fail(app: RunningApp, times: int, address: str = ADDRESS) -> None:
    """Bring the address to so many wrong codes in a row."""
    await app.resources.database.pool.execute(
        "INSERT INTO code_failures (address, failures, failed_at) VALUES ($1, $2, $3)", address, times, app.clock()
    )


async def _failures(app: RunningApp) -> dict[str, int]:
    return {row["address"]: row["failures"] for row in await app.resources.database.pool.fetch("TABLE code_failures")}


async def _has_code(app: RunningApp, purpose: str = "sign_in") -> bool:
    """Whether the next mail has a code. Its link is there in any case."""
    app.clock.forward(seconds=30)
    message = await mailed(app, purpose)
    assert token_in(message)
    return "one-time code" in text_of(message)


async def test_a_hundred_guesses_at_once_on_two_workers_spend_five_attempts(
    app: RunningApp, second: RunningApp
) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))

    async def guess(number: int) -> int:
        worker = (app, second)[number % 2]
        answer = await redeem(worker.client(ip=f"192.0.2.{number}"), **SIGN_IN, code=wrong(code))
        return answer.status_code

    assert Counter(await at_once(100, guess)) == {410: 100}
    assert await app.resources.database.pool.fetchval("SELECT attempts_left FROM keys WHERE kind = 'single_use'") == 0
    assert await _failures(app) == {ADDRESS: 5}
    for worker in (app, second):
        assert (await redeem(worker.client(), **SIGN_IN, code=code)).status_code == 410


async def test_one_client_guesses_sixty_times_a_minute_at_any_number_of_addresses(
    app: RunningApp, second: RunningApp
) -> None:
    async def guess(number: int) -> int:
        worker = (app, second)[number % 2]
        body = {"purpose": "sign_in", "email": f"user{number}@example.org", "code": "12345678"}
        return (await redeem(worker.client(), **body)).status_code

    assert Counter(await at_once(100, guess)) == {410: 60, 429: 40}
    refused = await redeem(app.client(), **SIGN_IN, code="12345678")
    assert refused.headers["retry-after"] == "60"
    assert (await redeem(app.client(ip="192.0.2.1"), **SIGN_IN, code="12345678")).status_code == 410


async def test_wrong_codes_add_up_from_code_to_code_until_there_are_no_more_codes(app: RunningApp) -> None:
    await app.user(ADDRESS)
    for _ in range(LIMIT // 5):
        code = code_in(await mailed(app, "sign_in"))
        for _ in range(5):
            assert (await redeem(app.client(), **SIGN_IN, code=wrong(code))).status_code == 410
        app.clock.forward(minutes=12)

    assert await _failures(app) == {ADDRESS: LIMIT}
    assert not await _has_code(app)
    assert not await _has_code(app, "password_reset")


async def test_a_code_that_was_mailed_before_the_hundredth_failure_is_worth_nothing_after_it(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    await _fail(app, LIMIT)

    assert problem(await redeem(app.client(), **SIGN_IN, code=code))["code"] == "key_not_usable"


async def test_the_hundredth_guess_may_be_right(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    await _fail(app, LIMIT - 1)

    assert (await redeem(app.client(), **SIGN_IN, code=code)).status_code == 201
    assert await _failures(app) == {}


@pytest.mark.parametrize("way", ["password", "link", "reset link"])
async def test_the_owner_gets_codes_again_by_another_way_in(app: RunningApp, way: str) -> None:
    await app.user(ADDRESS)
    await _fail(app, LIMIT)
    token = token_in(await mailed(app, "password_reset" if way == "reset link" else "sign_in"))
    if way == "password":
        answer = await app.client().post("/api/session", json=CREDENTIALS)
    elif way == "link":
        answer = await app.client().post("/api/session", json={"method": "link", "token": token})
    else:
        answer = await redeem(app.client(), token=token, secret="nine quiet herons over water")

    assert answer.status_code == 201
    assert await _has_code(app)


@pytest.mark.parametrize(("seconds", "codes"), [(24 * 3600 - 31, False), (24 * 3600 - 30, True)])
async def test_codes_come_back_after_a_day(app: RunningApp, seconds: int, codes: bool) -> None:
    await app.user(ADDRESS)
    await _fail(app, LIMIT)
    app.clock.forward(seconds=seconds)

    assert await _has_code(app) is codes


async def test_nothing_that_succeeds_elsewhere_forgives_a_failure(app: RunningApp) -> None:
    await app.user(ADDRESS)
    await _fail(app, LIMIT)
    mallory = await app.signed_in("mallory@example.org")
    own = code_in(await mailed(app, "sign_in", "mallory@example.org"))
    await redeem(mallory, purpose="sign_in", email="mallory@example.org", code=own)
    await ask(mallory, "email_change", "mallory2@example.org")
    change = code_in((await app.mails())[-1])
    renamed = await redeem(mallory, purpose="email_change", email="mallory2@example.org", code=change)
    assert renamed.status_code == 201
    await mallory.post("/api/session", json={**CREDENTIALS, "email": "mallory2@example.org"})

    assert await _failures(app) == {ADDRESS: LIMIT}
    assert not await _has_code(app)
