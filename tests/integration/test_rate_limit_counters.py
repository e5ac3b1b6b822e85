"""Rate limits keep the same promises whether Postgres or Valkey counts them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from structlog.testing import capture_logs

from app import rate_limits
from app.errors import Problem
from app.postgres.counters import PostgresCounters
from app.rate_limits import Counters, RateLimits, Use
from app.settings.limits import Limit, parse_windows
from app.valkey import ValkeyCounters
from tests.support.app import RunningApp, problem, running, settings_for
from tests.support.mailbox import ask
from tests.support.races import at_once
from tests.support.valkey_server import PROGRAM, ValkeyServer, valkey_server

needs_valkey = pytest.mark.skipif(PROGRAM is None, reason="neither valkey-server nor redis-server is installed")

TABLE = {
    "address": Limit("1/30 seconds;5/hour", "requests about one address"),
    "client": Limit("30/minute;300/hour", "requests by one client", announced=True),
    "unlimited": Limit("off", "nothing"),
}
WINDOWS = {name: parse_windows(limit.default) for name, limit in TABLE.items()}
ADA = Use("address", "ada@example.org")
BOB = Use("address", "bob@example.org")
OFFICE = Use("client", "192.0.2.1")


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with TemporaryDirectory() as directory, valkey_server(Path(directory)) as server:
        yield server


@asynccontextmanager
async def counting(counters: Counters, app: RunningApp) -> AsyncIterator[RateLimits]:
    """The limits of `TABLE`, counted there, with no use counted yet."""
    limits = RateLimits(counters, app.clock, WINDOWS, TABLE)
    await limits.refund(forgotten=[ADA, BOB, OFFICE])
    yield limits
    await limits.close()


@pytest.fixture(params=["postgres", pytest.param("valkey", marks=needs_valkey)])
async def limits(request: pytest.FixtureRequest, app: RunningApp) -> AsyncIterator[RateLimits]:
    counters: Counters = PostgresCounters(app.resources.database)
    if request.param == "valkey":
        counters = ValkeyCounters(request.getfixturevalue("valkey").url, connections=4, timeout=2)
    async with counting(counters, app) as limits:
        yield limits


async def refusal(limits: RateLimits, *uses: Use) -> Problem | None:
    try:
        await limits.hit_all(*uses)
    except Problem as problem:
        return problem
    return None


async def wait(limits: RateLimits, *uses: Use) -> int:
    """The seconds in Retry-After of the uses, 0 if they are accepted."""
    refused = await refusal(limits, *uses)
    return int(refused.headers["Retry-After"]) if refused else 0


async def test_a_window_opens_with_its_first_use_and_its_end_stays(app: RunningApp, limits: RateLimits) -> None:
    assert await wait(limits, ADA) == 0
    app.clock.forward(seconds=10)
    assert [await wait(limits, ADA) for _ in range(3)] == [20, 20, 20]
    app.clock.forward(seconds=20)
    assert await wait(limits, ADA) == 0


async def test_a_refusal_tells_the_time_to_the_end_of_the_last_full_window(app: RunningApp, limits: RateLimits) -> None:
    for _ in range(5):
        assert await wait(limits, ADA) == 0
        app.clock.forward(seconds=29.5)
        assert await wait(limits, ADA) in {1, 3600 - 149}
        app.clock.forward(seconds=0.5)
    app.clock.forward(seconds=3450 - 1)
    assert await wait(limits, ADA) == 1
    app.clock.forward(seconds=1)
    assert await wait(limits, ADA) == 0


async def test_several_uses_are_counted_together_or_not_at_all(limits: RateLimits) -> None:
    assert await wait(limits, OFFICE, ADA) == 0
    for _ in range(40):
        assert await wait(limits, OFFICE, BOB, ADA) == 30
    assert await wait(limits, OFFICE, BOB) == 0
    for _ in range(28):
        assert await wait(limits, OFFICE) == 0
    assert await wait(limits, OFFICE) == 60


async def test_of_uses_at_once_as_many_are_accepted_as_the_limit_allows(limits: RateLimits) -> None:
    waits = await at_once(40, lambda _: wait(limits, OFFICE, OFFICE))
    assert sorted(waits) == [0] * 30 + [60] * 10


async def test_a_limit_says_whether_it_would_accept_a_use_and_counts_none(app: RunningApp, limits: RateLimits) -> None:
    assert [await limits.allows(*ADA) for _ in range(3)] == [True, True, True]
    assert await wait(limits, ADA) == 0
    assert (await limits.allows(*ADA), await limits.allows(*BOB)) == (False, True)
    app.clock.forward(seconds=30)
    assert await limits.allows(*ADA)


async def test_a_limit_says_how_many_uses_are_left_in_its_fullest_window(app: RunningApp, limits: RateLimits) -> None:
    assert [await limits.left(OFFICE, at_most) for at_most in (5, 1000)] == [5, 30]
    for _ in range(4):
        assert await wait(limits, OFFICE) == 0
    assert [await limits.left(OFFICE, at_most) for at_most in (1000, 5, 4, 3)] == [26, 1, 0, 0]
    app.clock.forward(seconds=60)
    assert [await limits.left(OFFICE, at_most) for at_most in (1000, 5)] == [30, 1]
    assert await limits.left(Use("unlimited", "anybody"), 5) is None


async def test_a_refund_takes_back_one_use_and_no_use_twice(app: RunningApp, limits: RateLimits) -> None:
    await limits.refund(ADA)
    assert await wait(limits, ADA) == 0
    await limits.refund(ADA, BOB)
    await at_once(5, lambda _: limits.refund(ADA))
    assert [await wait(limits, ADA), await wait(limits, ADA)] == [0, 30]

    app.clock.forward(seconds=30)
    await limits.refund(ADA)
    assert [await wait(limits, ADA), await wait(limits, ADA)] == [0, 30]


async def test_a_reset_forgets_the_uses_of_these_identifiers_alone(limits: RateLimits) -> None:
    for use in (ADA, BOB, OFFICE):
        assert await wait(limits, use) == 0
    await limits.refund(forgotten=[ADA, OFFICE])
    assert (await wait(limits, ADA), await wait(limits, BOB)) == (0, 30)


async def test_a_refusal_of_a_client_tells_its_limit_and_one_of_an_address_does_not(limits: RateLimits) -> None:
    for _ in range(30):
        assert await wait(limits, OFFICE) == 0
    refused, address = await refusal(limits, OFFICE), await refusal(limits, ADA) or await refusal(limits, ADA)
    assert refused
    assert address
    assert refused.headers == {
        "Retry-After": "60",
        "RateLimit-Policy": '"client";q=30;w=60',
        "RateLimit": '"client";r=0;t=60',
    }
    assert address.headers == {"Retry-After": "30"}


async def test_a_limit_that_is_off_accepts_every_use(app: RunningApp, limits: RateLimits) -> None:
    unlimited = Use("unlimited", "192.0.2.1")
    assert [await wait(limits, unlimited) for _ in range(9)] == [0] * 9
    assert await limits.allows(*unlimited)
    await limits.refund(unlimited)
    await limits.refund(forgotten=[unlimited])
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM rate_limits") == 0


@needs_valkey
async def test_with_valkey_two_workers_count_together_and_nothing_in_postgres(
    app: RunningApp, database_url: str, valkey: ValkeyServer
) -> None:
    settings = settings_for(database_url, VALKEY_URL=valkey.url, LIMIT_MAIL_BY_CLIENT="1/minute")
    async with running(settings, app.clock) as one, running(settings, app.clock) as other:
        answers = [await ask(worker.client(), "sign_in", "ada@example.org") for worker in (one, other)]
    assert [answer.status_code for answer in answers] == [202, 429]
    assert answers[1].headers["ratelimit-policy"] == '"mail_by_client";q=1;w=60'
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM rate_limits") == 0


async def assert_uncounted(limits: RateLimits) -> None:
    """Assert what an outage of the counters does: every use is refused, and the log tells of uses not taken back."""
    with capture_logs() as lines:
        await limits.refund(ADA)
        await limits.refund(forgotten=[ADA])
        assert await limits.left(ADA, 5) is None
    assert [line["event"] for line in lines] == ["rate_limits_unavailable"] * 3
    refused = await refusal(limits, OFFICE, ADA)
    assert refused
    assert (refused.code, refused.headers) == ("temporarily_unavailable", {"Retry-After": "5"})
    with pytest.raises(Problem, match="cannot be counted"):
        await limits.allows(*ADA)


@needs_valkey
async def test_without_valkey_requests_for_mail_are_refused_until_it_is_back(
    app: RunningApp, database_url: str, tmp_path: Path
) -> None:
    with valkey_server(tmp_path) as server:
        async with (
            running(settings_for(database_url, VALKEY_URL=server.url), app.clock) as service,
            counting(ValkeyCounters(server.url, connections=2, timeout=2), app) as limits,
        ):
            assert [await wait(limits, ADA), await wait(limits, ADA)] == [0, 30]
            server.stop()
            await assert_uncounted(limits)
            answer = await ask(service.client(), "sign_in")
            assert (answer.status_code, problem(answer)["code"]) == (503, "temporarily_unavailable")
            assert await app.resources.database.pool.fetchval("SELECT count(*) FROM jobs") == 0

            server.start()
            assert (await ask(service.client(), "sign_in")).status_code == 202


@needs_valkey
async def test_valkey_that_does_not_answer_is_an_outage(
    app: RunningApp, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "COUNTERS_SECONDS", 0.1)
    async with counting(ValkeyCounters(valkey.url, connections=2, timeout=2), app) as limits:
        with valkey.paused():
            await assert_uncounted(limits)
        assert await wait(limits, ADA) == 0


async def test_a_database_that_does_not_answer_is_an_outage(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "COUNTERS_SECONDS", 0.1)
    database = app.resources.database
    async with counting(PostgresCounters(database), app) as limits:
        async with database.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE rate_limits")
            await assert_uncounted(limits)
        assert await wait(limits, ADA) == 0
