"""Account enumeration: the job of a key request slows down the next request if the address has an account.

`OSTIARY_LONG=1` measures it, on a server in the same process as its worker.
"""

import os
from statistics import median
from time import perf_counter

import pytest

from app.domain.flows.request_key import JOB_DELAY_MAX
from tests.support.app import RunningApp, running, settings_for
from tests.support.mailbox import ask, is_accepted

ROUNDS = 60


async def test_the_job_is_due_at_a_random_moment_within_a_second(app: RunningApp) -> None:
    await app.user()
    for number in range(20):
        client = app.client(ip=f"192.0.2.{number}")
        assert is_accepted(await ask(client, "sign_in", ("ada@example.org", "nobody@example.org")[number % 2]))

    rows = await app.resources.database.pool.fetch("SELECT due_at FROM jobs WHERE kind = 'issue_key'")
    delays = [(row["due_at"] - app.clock()) / JOB_DELAY_MAX for row in rows]
    assert len(set(delays)) == 20
    assert 0 <= min(delays) < 0.5 < max(delays) < 1


@pytest.mark.skipif(not os.environ.get("OSTIARY_LONG"), reason="a measurement, for `make test-long`")
async def test_the_next_request_takes_as_long_for_every_address(app: RunningApp, database_url: str) -> None:
    async with running(settings_for(database_url, RUN_JOBS="on"), app.clock) as served:
        seconds: dict[str, list[float]] = {"known": [], "unknown": []}
        for number in range(ROUNDS):
            await served.user(f"known{number}@example.org", secret=None)
            for kind, taken in seconds.items():
                client = served.client(ip=f"198.51.100.{number}")
                await ask(client, "sign_in", f"{kind}{number}@example.org")
                start = perf_counter()
                await client.get("/health/live")
                taken.append(perf_counter() - start)

    known, unknown = median(seconds["known"]), median(seconds["unknown"])
    assert abs(known - unknown) < 0.25 * unknown, (known, unknown)
