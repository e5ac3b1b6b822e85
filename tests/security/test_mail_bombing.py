"""Mail bombing: requests at several workers, in several spellings or by several clients get past the limits on mail."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.app import RunningApp, problem, running, settings_for
from tests.support.mailbox import ask
from tests.support.races import at_once

ADDRESS = "ada@example.org"
CONCURRENT = 20


@pytest.fixture
async def workers(app: RunningApp, database_url: str) -> AsyncIterator[tuple[RunningApp, RunningApp]]:
    """Two workers on one database."""
    async with running(settings_for(database_url), app.clock) as second:
        yield app, second


async def test_of_many_requests_at_once_only_one_sends_a_mail(workers: tuple[RunningApp, RunningApp]) -> None:
    await workers[0].user(ADDRESS)

    answers = await at_once(CONCURRENT, lambda number: ask(workers[number % 2].client(), "sign_in", ADDRESS))

    assert Counter(answer.status_code for answer in answers) == {202: 1, 429: CONCURRENT - 1}
    assert {answer.headers.get("retry-after") for answer in answers} == {None, "30"}
    assert len(await workers[0].mails()) == 1


async def test_a_request_after_the_time_in_retry_after_is_accepted(workers: tuple[RunningApp, RunningApp]) -> None:
    first, second = workers
    assert (await ask(first.client(), "sign_in", ADDRESS)).status_code == 202
    first.clock.forward(seconds=28.5)

    refused = await ask(second.client(), "sign_in", ADDRESS)
    assert problem(refused)["code"] == "too_many_requests"
    assert refused.headers["retry-after"] == "2"

    first.clock.forward(seconds=2)
    assert (await ask(second.client(), "sign_in", ADDRESS)).status_code == 202


async def test_the_limit_by_hour_counts_over_purposes_and_restarts(app: RunningApp, database_url: str) -> None:
    for purpose in ("sign_in", "sign_up", "password_reset", "sign_in", "sign_up"):
        async with running(settings_for(database_url), app.clock) as started:
            assert (await ask(started.client(), purpose, ADDRESS)).status_code == 202
        app.clock.forward(seconds=30)

    refused = await ask(app.client(), "sign_in", ADDRESS)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, str(3600 - 5 * 30))

    app.clock.forward(seconds=3600 - 5 * 30)
    assert (await ask(app.client(), "sign_in", ADDRESS)).status_code == 202


async def test_all_spellings_of_an_address_share_its_limit(app: RunningApp) -> None:
    assert (await ask(app.client(), "sign_in", ADDRESS)).status_code == 202
    for spelling in ("ADA@example.org", "ada@EXAMPLE.org", " ada@example.org "):
        assert (await ask(app.client(), "sign_in", spelling)).status_code == 429


async def test_a_client_has_thirty_requests_a_minute_for_any_number_of_addresses(
    workers: tuple[RunningApp, RunningApp],
) -> None:
    answers = await at_once(
        40, lambda number: ask(workers[number % 2].client(), "sign_in", f"user{number}@example.org")
    )

    assert Counter(answer.status_code for answer in answers) == {202: 30, 429: 10}
    forged = workers[0].client(**{"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9"})
    assert (await ask(forged, "sign_in", ADDRESS)).status_code == 429
    assert (await ask(workers[0].client(ip="192.0.2.9"), "sign_in", ADDRESS)).status_code == 202


async def test_the_table_of_limits_shows_no_email_address_and_no_client(app: RunningApp) -> None:
    await ask(app.client(ip="192.0.2.9"), "sign_in", ADDRESS)

    keys = [row["key"] for row in await app.resources.database.pool.fetch("SELECT key FROM rate_limits")]

    assert len(keys) == 4
    assert not any("ada" in key or "192.0.2.9" in key for key in keys)
