"""Brute force of one-time codes: wrong codes from many clients, at several workers and for several codes."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, problem, running, settings_for
from tests.support.guesses import guess, spend, verify_addresses
from tests.support.mailbox import UNKNOWN_FLOW, ask, code_in, mailed, redeem, text_of, token_in, wrong
from tests.support.races import at_once

ADDRESS = "ada@example.org"
SIGN_IN = {"purpose": "sign_in", "email": ADDRESS}
STRANGERS, CONSECUTIVE = "guess_by_account_strangers", "guess_by_account_consecutive"


@pytest.fixture
async def second_worker(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A second worker on the same database."""
    async with running(settings_for(database_url), app.clock) as second_worker:
        yield second_worker


async def _has_code(app: RunningApp, purpose: str = "sign_in") -> bool:
    """Whether the next mail has a code beside its link."""
    app.clock.forward(seconds=30)
    message = await mailed(app, purpose)
    assert token_in(message)
    return "one-time code" in text_of(message)


async def test_100_concurrent_guesses_at_two_workers_use_5_attempts_of_the_code_and_25_of_the_account(
    app: RunningApp, second_worker: RunningApp
) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))

    async def try_wrong(number: int) -> int:
        worker = (app, second_worker)[number % 2]
        answer = await redeem(worker.client(ip=f"192.0.2.{number}"), **SIGN_IN, code=wrong(code))
        return answer.status_code

    assert Counter(await at_once(100, try_wrong)) == {410: 25, 429: 75}
    assert await app.resources.database.pool.fetchval("SELECT attempts_left FROM keys WHERE kind = 'single_use'") == 0
    for worker in (app, second_worker):
        assert (await redeem(worker.client(), **SIGN_IN, code=code)).status_code == 429


async def test_one_client_has_60_guesses_a_minute_for_any_number_of_addresses(
    app: RunningApp, second_worker: RunningApp
) -> None:
    async def try_any(number: int) -> int:
        worker = (app, second_worker)[number % 2]
        body = {"purpose": "sign_in", "email": f"user{number}@example.org", "code": "12345678", "flow": UNKNOWN_FLOW}
        return (await redeem(worker.client(), **body)).status_code

    assert Counter(await at_once(100, try_any)) == {410: 60, 429: 40}
    unknown = {**SIGN_IN, "code": "12345678", "flow": UNKNOWN_FLOW}
    refused = await redeem(app.client(), **unknown)
    assert refused.headers["retry-after"] == "60"
    assert (await redeem(app.client(ip="192.0.2.1"), **unknown)).status_code == 410


async def test_a_refused_guess_takes_no_attempt_of_the_code(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    await spend(app, STRANGERS)

    for _ in range(5):
        assert (await redeem(app.client(), **SIGN_IN, code=wrong(code))).status_code == 429
    assert await app.resources.database.pool.fetchval("SELECT attempts_left FROM keys WHERE kind = 'single_use'") == 5


@pytest.mark.parametrize("budget", [STRANGERS, CONSECUTIVE])
async def test_a_code_mailed_before_the_budget_of_strangers_is_spent_is_refused_after_it(
    app: RunningApp, budget: str
) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    await spend(app, budget)

    right, wrong_one = [await redeem(app.client(), **SIGN_IN, code=sent) for sent in (code, wrong(code))]

    assert {**problem(right), "instance": ""} == {**problem(wrong_one), "instance": ""}
    assert problem(right)["code"] == "too_many_requests"


@pytest.mark.parametrize("budget", [STRANGERS, CONSECUTIVE])
async def test_while_the_budget_of_strangers_is_spent_mails_have_a_link_only(app: RunningApp, budget: str) -> None:
    await app.user(ADDRESS)
    await spend(app, budget)

    assert not await _has_code(app)
    assert not await _has_code(app, "password_reset")


async def test_wrong_codes_in_a_row_count_from_code_to_code_and_right_ones_do_not(app: RunningApp) -> None:
    await app.user(ADDRESS)
    for _ in range(2):
        code = code_in(await mailed(app, "sign_in"))
        for _ in range(4):
            assert (await redeem(app.client(), **SIGN_IN, code=wrong(code))).status_code == 410
        app.clock.forward(minutes=12)
    assert await spend(app, STRANGERS) == 17
    app.clock.forward(days=1)
    code = code_in(await mailed(app, "sign_in"))
    assert (await redeem(app.client(), **SIGN_IN, code=code)).status_code == 201
    await app.resources.background.flush()

    assert await spend(app, STRANGERS) == 25
    assert await spend(app, CONSECUTIVE) == 100


@pytest.mark.parametrize("credential", ["link", "reset link"])
async def test_signing_in_by_link_resets_the_wrong_guesses_in_a_row(app: RunningApp, credential: str) -> None:
    await app.user(ADDRESS)
    await spend(app, CONSECUTIVE)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 429
    token = token_in(await mailed(app, "password_reset" if credential == "reset link" else "sign_in"))
    if credential == "link":
        answer = await app.client().post("/api/session", json={"method": "link", "token": token})
    else:
        answer = await redeem(app.client(), token=token, secret="nine quiet herons over water")
    await app.resources.background.flush()

    assert answer.status_code == 201
    assert await _has_code(app)


@pytest.mark.parametrize(("seconds", "has_code"), [(24 * 3600 - 31, False), (24 * 3600 - 30, True)])
async def test_codes_are_mailed_again_after_24_hours(app: RunningApp, seconds: int, has_code: bool) -> None:
    await app.user(ADDRESS)
    await spend(app, STRANGERS)
    app.clock.forward(seconds=seconds)

    assert await _has_code(app) is has_code


async def test_success_on_another_account_does_not_reset_the_wrong_guesses(app: RunningApp) -> None:
    await app.user(ADDRESS)
    await spend(app, CONSECUTIVE)
    await spend(app, "guess_by_client", "127.0.0.1")
    await app.user("mallory@example.org")
    await verify_addresses(app)
    mallory = app.client(ip="192.0.2.1")
    assert (await guess(mallory, SECRET, "mallory@example.org")).status_code == 201
    token = token_in(await mailed(app, "sign_in", "mallory@example.org"))
    assert (await redeem(app.client(), token=token)).status_code == 201
    await ask(mallory, "email_change", "mallory2@example.org")
    code = code_in((await app.mails())[-1])
    changed = await redeem(mallory, purpose="email_change", email="mallory2@example.org", code=code)
    await app.resources.background.flush()

    assert changed.status_code == 201
    assert await spend(app, CONSECUTIVE) == 0
    assert await spend(app, "guess_by_client", "127.0.0.1") == 0
