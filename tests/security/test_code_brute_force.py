"""Brute force of one-time codes: wrong codes from many clients, at several workers and for several codes."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.app import CREDENTIALS, RunningApp, problem, running, settings_for
from tests.support.mailbox import ask, code_in, mailed, redeem, text_of, token_in, wrong
from tests.support.races import at_once

ADDRESS = "ada@example.org"
SIGN_IN = {"purpose": "sign_in", "email": ADDRESS}
FAILURES_MAX = 100


@pytest.fixture
async def second_worker(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A second worker on the same database."""
    async with running(settings_for(database_url), app.clock) as second_worker:
        yield second_worker


async def _set_failures(app: RunningApp, failures: int, address: str = ADDRESS) -> None:
    """Store this number of consecutive wrong codes for the address."""
    await app.resources.database.pool.execute(
        "INSERT INTO code_failures (address, failures, failed_at) VALUES ($1, $2, $3)", address, failures, app.clock()
    )


async def _failures(app: RunningApp) -> dict[str, int]:
    return {row["address"]: row["failures"] for row in await app.resources.database.pool.fetch("TABLE code_failures")}


async def _has_code(app: RunningApp, purpose: str = "sign_in") -> bool:
    """Whether the next mail has a code beside its link."""
    app.clock.forward(seconds=30)
    message = await mailed(app, purpose)
    assert token_in(message)
    return "one-time code" in text_of(message)


async def test_100_concurrent_guesses_at_two_workers_use_5_attempts(app: RunningApp, second_worker: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))

    async def guess(number: int) -> int:
        worker = (app, second_worker)[number % 2]
        answer = await redeem(worker.client(ip=f"192.0.2.{number}"), **SIGN_IN, code=wrong(code))
        return answer.status_code

    assert Counter(await at_once(100, guess)) == {410: 100}
    assert await app.resources.database.pool.fetchval("SELECT attempts_left FROM keys WHERE kind = 'single_use'") == 0
    assert await _failures(app) == {ADDRESS: 5}
    for worker in (app, second_worker):
        assert (await redeem(worker.client(), **SIGN_IN, code=code)).status_code == 410


async def test_one_client_has_60_guesses_a_minute_for_any_number_of_addresses(
    app: RunningApp, second_worker: RunningApp
) -> None:
    async def guess(number: int) -> int:
        worker = (app, second_worker)[number % 2]
        body = {"purpose": "sign_in", "email": f"user{number}@example.org", "code": "12345678"}
        return (await redeem(worker.client(), **body)).status_code

    assert Counter(await at_once(100, guess)) == {410: 60, 429: 40}
    refused = await redeem(app.client(), **SIGN_IN, code="12345678")
    assert refused.headers["retry-after"] == "60"
    assert (await redeem(app.client(ip="192.0.2.1"), **SIGN_IN, code="12345678")).status_code == 410


async def test_after_100_wrong_codes_no_code_is_mailed(app: RunningApp) -> None:
    await app.user(ADDRESS)
    for _ in range(FAILURES_MAX // 5):
        code = code_in(await mailed(app, "sign_in"))
        for _ in range(5):
            assert (await redeem(app.client(), **SIGN_IN, code=wrong(code))).status_code == 410
        app.clock.forward(minutes=21)

    assert await _failures(app) == {ADDRESS: FAILURES_MAX}
    assert not await _has_code(app)
    assert not await _has_code(app, "password_reset")


async def test_a_code_mailed_before_the_100th_failure_is_refused_after_it(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    await _set_failures(app, FAILURES_MAX)

    assert problem(await redeem(app.client(), **SIGN_IN, code=code))["code"] == "key_not_usable"


async def test_a_right_code_is_accepted_after_99_failures(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    await _set_failures(app, FAILURES_MAX - 1)

    assert (await redeem(app.client(), **SIGN_IN, code=code)).status_code == 201
    assert await _failures(app) == {}


@pytest.mark.parametrize("credential", ["password", "link", "reset link"])
async def test_signing_in_without_a_code_resets_the_failures(app: RunningApp, credential: str) -> None:
    await app.user(ADDRESS)
    await _set_failures(app, FAILURES_MAX)
    token = token_in(await mailed(app, "password_reset" if credential == "reset link" else "sign_in"))
    if credential == "password":
        answer = await app.client().post("/api/session", json=CREDENTIALS)
    elif credential == "link":
        answer = await app.client().post("/api/session", json={"method": "link", "token": token})
    else:
        answer = await redeem(app.client(), token=token, secret="nine quiet herons over water")

    assert answer.status_code == 201
    assert await _has_code(app)


@pytest.mark.parametrize(("seconds", "has_code"), [(24 * 3600 - 31, False), (24 * 3600 - 30, True)])
async def test_codes_are_mailed_again_after_24_hours(app: RunningApp, seconds: int, has_code: bool) -> None:
    await app.user(ADDRESS)
    await _set_failures(app, FAILURES_MAX)
    app.clock.forward(seconds=seconds)

    assert await _has_code(app) is has_code


async def test_success_on_another_account_does_not_reset_the_failures(app: RunningApp) -> None:
    await app.user(ADDRESS)
    await _set_failures(app, FAILURES_MAX)
    mallory = await app.signed_in("mallory@example.org")
    sign_in_code = code_in(await mailed(app, "sign_in", "mallory@example.org"))
    await redeem(mallory, purpose="sign_in", email="mallory@example.org", code=sign_in_code)
    await ask(mallory, "email_change", "mallory2@example.org")
    change_code = code_in((await app.mails())[-1])
    changed = await redeem(mallory, purpose="email_change", email="mallory2@example.org", code=change_code)
    assert changed.status_code == 201
    await mallory.post("/api/session", json={**CREDENTIALS, "email": "mallory2@example.org"})

    assert await _failures(app) == {ADDRESS: FAILURES_MAX}
    assert not await _has_code(app)
