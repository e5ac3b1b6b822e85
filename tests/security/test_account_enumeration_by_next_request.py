"""Account enumeration: the job of a key request slows down the next request if the address has an account."""

from app.domain.flows.request_key import JOB_DELAY_MAX
from tests.support.app import RunningApp
from tests.support.mailbox import ask, is_accepted


async def test_the_job_is_due_at_a_random_moment_within_a_second(app: RunningApp) -> None:
    await app.user()
    for number in range(20):
        client = app.client(ip=f"192.0.2.{number}")
        assert is_accepted(await ask(client, "sign_in", ("ada@example.org", "nobody@example.org")[number % 2]))

    rows = await app.resources.database.pool.fetch("SELECT due_at FROM jobs WHERE kind = 'issue_key'")
    delays = [(row["due_at"] - app.clock()) / JOB_DELAY_MAX for row in rows]
    assert len(set(delays)) == 20
    assert 0 <= min(delays) < 0.5 < max(delays) < 1
