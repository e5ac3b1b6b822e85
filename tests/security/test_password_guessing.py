"""Password guessing at one account from many networks, with and without parallel requests."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.app import SECRET, RunningApp, problem, running, settings_for
from tests.support.guesses import ADDRESS, guess, known_device, spend
from tests.support.hash_work import hashes_computed
from tests.support.races import at_once

ADDRESSES = [ADDRESS, "nobody@example.org"]


@pytest.fixture
async def second_worker(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A second worker on the same database."""
    async with running(settings_for(database_url), app.clock) as second_worker:
        yield second_worker


@pytest.mark.parametrize("email", ADDRESSES)
async def test_100_parallel_guesses_from_100_networks_at_two_workers_compare_25_secrets(
    app: RunningApp, second_worker: RunningApp, email: str
) -> None:
    await app.user()
    workers = (app, second_worker)
    before = sum(hashes_computed(worker.resources.hasher) for worker in workers)

    async def attack(number: int) -> int:
        return (await guess(workers[number % 2].client(ip=f"192.0.2.{number}"), f"wrong {number}", email)).status_code

    assert Counter(await at_once(100, attack)) == {401: 25, 429: 75}
    assert sum(hashes_computed(worker.resources.hasher) for worker in workers) - before == 25


async def test_a_refusal_is_the_same_for_right_and_wrong_secrets_and_for_unknown_accounts(app: RunningApp) -> None:
    await app.user()
    for email in ADDRESSES:
        await spend(app, "guess_by_account_strangers", email)
    before = hashes_computed(app.resources.hasher)

    emails = (*ADDRESSES, "ADA@Example.org")
    answers = [await guess(app.client(), secret, email) for secret in (SECRET, "wrong") for email in emails]

    assert {answer.status_code for answer in answers} == {429}
    assert {(str({**problem(answer), "instance": ""}), answer.headers["retry-after"]) for answer in answers} == {
        (str({**problem(answers[0]), "instance": ""}), str(24 * 3600))
    }
    assert "25" not in problem(answers[0])["detail"].replace("86400", "")
    assert hashes_computed(app.resources.hasher) == before


async def test_guesses_in_a_row_stop_at_100_until_the_owner_signs_in(app: RunningApp) -> None:
    await app.user()
    owner = await known_device(app)
    compared = 0
    for day in range(6):
        for number in range(60):
            answer = await guess(app.client(ip=f"192.0.2.{number}"), f"wrong {day}")
            compared += answer.status_code == 401
        app.clock.forward(days=1)
    assert compared == 100

    assert (await guess(owner, SECRET)).status_code == 201
    await app.resources.background.flush()
    assert (await guess(app.client(ip="192.0.2.1"))).status_code == 401


async def test_right_secrets_do_not_count(app: RunningApp) -> None:
    await app.user()
    for _ in range(3):
        answers = await at_once(20, lambda _: guess(app.client(), SECRET))
        assert {answer.status_code for answer in answers} == {201}
        await app.resources.background.flush()

    assert await spend(app, "guess_by_account_strangers") == 25
    assert await spend(app, "guess_by_client", "127.0.0.1") == 60
