"""Log flooding: each refused request of a flood leaves 2.8 KB of traceback, and hides the faults between them."""

import asyncio
from collections import Counter

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.http.problems import REFUSALS
from tests.support.app import CREDENTIALS, RunningApp, running, settings_for
from tests.support.fake_jobs import FakeHandler, enqueue, fake_worker, read_job
from tests.support.run_jobs import drain

FLOOD = 8


@pytest.fixture(autouse=True)
def refusals() -> Counter[tuple[str, str]]:
    """The counter of this process, which starts at nothing."""
    REFUSALS.clear()
    return REFUSALS


async def test_a_request_too_many_is_one_line_and_counted(
    app: RunningApp, database_url: str, refusals: Counter[tuple[str, str]]
) -> None:
    async with running(settings_for(database_url, REQUESTS_MAX="1"), app.clock) as full:
        client = await full.signed_in()
        with capture_logs() as lines:
            answers = await asyncio.gather(*(client.get("/api/session") for _ in range(FLOOD)))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    assert refusals == {("temporarily_unavailable", "requests_max"): len(refused)}
    assert [line["reason"] for line in lines] == ["requests_max"] * len(refused)


async def test_a_full_hash_queue_is_one_line_without_traceback_for_each_refusal(
    app: RunningApp, database_url: str, refusals: Counter[tuple[str, str]]
) -> None:
    settings = settings_for(database_url, HASH_QUEUE="2", HASH_CONCURRENCY="1")
    async with running(settings, app.clock) as busy:
        await busy.user()
        with capture_logs() as lines:
            answers = await asyncio.gather(
                *(busy.client().post("/api/session", json=CREDENTIALS) for _ in range(FLOOD))
            )
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    assert refusals == {("temporarily_unavailable", "hash_queue_full"): len(refused)}
    assert [(line["event"], line["log_level"], line["reason"]) for line in lines] == [
        ("request_refused", "warning", "hash_queue_full")
    ] * len(refused)
    assert not any("exc_info" in line for line in lines)
    assert {f"urn:uuid:{line['request_id']}" for line in lines} == {answer.json()["instance"] for answer in refused}


async def test_a_request_past_a_limit_is_one_line_that_names_the_limit(
    app: RunningApp, refusals: Counter[tuple[str, str]]
) -> None:
    client = app.client()
    asked = {"purpose": "sign_in", "email": "ada@example.org"}
    with capture_logs() as lines:
        statuses = Counter([(await client.post("/api/keys", json=asked)).status_code for _ in range(40)])
    assert statuses.keys() == {202, 429}
    assert sum(refusals.values()) == len(lines) == statuses[429]
    assert all(line["event"] == "request_refused" and line["code"] == "too_many_requests" for line in lines)
    assert all(line["reason"] for line in lines)


async def test_an_outage_in_a_job_is_one_line_without_traceback_and_the_job_is_retried(app: RunningApp) -> None:
    cut = asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress")
    job_id = await enqueue(app)
    with capture_logs() as lines:
        await drain(fake_worker(app, FakeHandler(cut)))
    assert [(line["event"], "exc_info" in line) for line in lines] == [("job_failed", False)]
    assert (await read_job(app, job_id)).state == "queued"


async def test_a_fault_keeps_its_traceback(app: RunningApp, refusals: Counter[tuple[str, str]]) -> None:
    await app.resources.database.pool.execute("ALTER TABLE sessions RENAME TO hidden")
    try:
        with capture_logs() as lines:
            answer = await app.with_cookie("ost_" + "a" * 43).get("/api/session")
    finally:
        await app.resources.database.pool.execute("ALTER TABLE hidden RENAME TO sessions")
    assert answer.status_code == 500
    [line] = lines
    assert (line["event"], line["log_level"]) == ("request_failed", "error")
    assert line["exc_info"]
    assert not refusals
