"""The page to return to is that of the latest request in a flow, also where that request mails nothing."""

from datetime import timedelta

import httpx
import pytest

from tests.support.app import RunningApp
from tests.support.mailbox import ask, code_in, flow_of, redeem, token_in

ONE, TWO = "http://localhost:8000/one", "http://localhost:8000/two"
BY_CODE = {"purpose": "sign_in", "email": "ada@example.org"}


async def ask_for(client: httpx.AsyncClient, page: str | None) -> None:
    """Ask for a code, in the flow of the client's cookie."""
    assert (await ask(client, "sign_in", **({"returnTo": page} if page else {}))).status_code == 202


@pytest.mark.parametrize(
    ("pages", "seconds", "counts"),
    [
        ([ONE, TWO], 5, TWO),
        ([ONE, TWO], 0, TWO),
        ([ONE, TWO, ONE], 5, ONE),
        ([None, TWO], 5, TWO),
        ([ONE, None], 5, None),
        ([ONE, TWO], 31, TWO),
        ([ONE, None], 31, None),
    ],
)
async def test_a_code_leads_to_the_page_of_the_latest_request(
    either: RunningApp, pages: list[str | None], seconds: int, counts: str | None
) -> None:
    await either.user()
    client = either.client()
    for page in pages:
        await ask_for(client, page)
        if seconds:
            await either.mails()
            either.clock.forward(seconds=seconds)
    message = (await either.mails())[-1]
    answer = await redeem(client, **BY_CODE, code=code_in(message))
    assert (answer.status_code, answer.json().get("returnTo")) == (201, counts)


async def test_the_link_beside_the_code_leads_there_too(either: RunningApp) -> None:
    await either.user()
    client = either.client()
    for page in (ONE, TWO):
        await ask_for(client, page)
        await either.mails()
    (message,) = await either.mails()
    assert (await redeem(either.client(), token=token_in(message))).json()["returnTo"] == TWO


async def test_the_time_of_the_requests_counts_and_not_that_of_their_jobs(either: RunningApp) -> None:
    """Jobs are due at a random moment: that of the later request can come first."""
    await either.user()
    client = either.client()
    await ask_for(client, ONE)
    await ask_for(client, TWO)
    pool = either.resources.database.pool
    jobs = await pool.fetch("SELECT id FROM jobs WHERE kind = 'issue_key' ORDER BY id")
    for job, seconds in zip(jobs, (10, 0), strict=True):
        due_at = either.clock() + timedelta(seconds=seconds)
        await pool.execute("UPDATE jobs SET due_at = $2 WHERE id = $1", job["id"], due_at)
    (message,) = await either.mails()
    either.clock.forward(seconds=11)
    assert len(await either.mails()) == 1
    answer = await redeem(client, **BY_CODE, code=code_in(message))
    assert answer.json()["returnTo"] == TWO


async def test_a_request_in_another_flow_changes_nothing(either: RunningApp) -> None:
    await either.user()
    client = either.client()
    await ask_for(client, ONE)
    (message,) = await either.mails()
    flow = flow_of("sign_in")
    await ask_for(either.client(), TWO)
    await either.mails()
    answer = await redeem(client, **BY_CODE, code=code_in(message), flow=flow)
    assert answer.json()["returnTo"] == ONE
