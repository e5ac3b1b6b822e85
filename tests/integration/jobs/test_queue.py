"""Durable jobs: committed with their cause, run by one worker at a time, retried, and kept where they fail for good."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from app.jobs import worker
from app.jobs.worker import MAX_ATTEMPTS, Attempt, PermanentError, Task, TemporaryError, Worker, backoff
from app.secret_key import SecretKey
from tests.support.app import RunningApp, settings_for
from tests.support.fake_jobs import KIND, Errand, Runs, enqueue, retry, stored, worker_of


async def test_a_job_is_there_exactly_when_its_transaction_has_committed(app: RunningApp) -> None:
    runs = Runs()
    with suppress(ZeroDivisionError):
        async with app.resources.database.transaction() as transaction:
            await app.resources.jobs.enqueue(transaction, KIND, Errand())
            raise ZeroDivisionError
    async with app.resources.database.transaction() as transaction:
        job_id = await app.resources.jobs.enqueue(transaction, KIND, Errand())
        await worker_of(app, runs).drain()
        assert runs.seen == []
    await worker_of(app, runs).drain()
    assert runs.seen == [job_id]


async def test_a_done_job_keeps_no_payload_and_runs_no_more(app: RunningApp) -> None:
    runs = Runs()
    job_id = await enqueue(app)
    await worker_of(app, runs).drain()
    app.clock.forward(days=2)
    await worker_of(app, runs).drain()
    job = await stored(app, job_id)
    assert (job.state, job.payload, runs.seen) == ("done", None, [job_id])


async def test_a_failed_job_is_tried_again_after_delays_that_double_up_to_an_hour(app: RunningApp) -> None:
    runs = Runs(*[TemporaryError("the server is down")] * 3)
    job_id = await enqueue(app)
    for attempt in (1, 2, 3):
        await worker_of(app, runs).drain()
        assert len(runs.seen) == attempt
        assert (await stored(app, job_id)).error == "the server is down"
        app.clock.now += backoff(attempt) - timedelta(milliseconds=1)
        await worker_of(app, runs).drain()
        assert len(runs.seen) == attempt
        app.clock.forward(milliseconds=1)
    await worker_of(app, runs).drain()
    assert (await stored(app, job_id)).state == "done"
    seconds = [backoff(attempt).total_seconds() for attempt in range(1, 13)]
    assert seconds == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


async def test_a_job_is_dead_after_its_last_attempt_a_day_later_and_can_be_retried(app: RunningApp) -> None:
    runs = Runs(*[TemporaryError("still down")] * MAX_ATTEMPTS)
    job_id, start = await enqueue(app), app.clock()
    while (job := await stored(app, job_id)).state == "queued":
        app.clock.now = max(app.clock.now, job.due_at)
        await worker_of(app, runs).drain()
    assert (job.state, job.error, len(runs.seen)) == ("dead", "still down", MAX_ATTEMPTS)
    assert timedelta(hours=24) < app.clock() - start < timedelta(hours=26)
    assert await retry(app, job_id) == [job_id]
    await worker_of(app, runs).drain()
    assert (await stored(app, job_id)).state == "done"


async def test_a_permanent_failure_is_final_at_once(app: RunningApp) -> None:
    runs = Runs(PermanentError("no such mailbox\r\nX: \x1b[31m" + "x" * 300))
    job_id = await enqueue(app)
    await worker_of(app, runs).drain()
    app.clock.forward(days=2)
    await worker_of(app, runs).drain()
    job = await stored(app, job_id)
    assert (job.state, runs.seen) == ("dead", [job_id])
    assert (job.error or "").startswith("no such mailbox X: [31mxxx")
    assert len(job.error or "") == worker.ERROR_MAX


async def test_an_unexpected_error_is_retried_and_only_its_type_is_kept(app: RunningApp) -> None:
    runs = Runs(ValueError("the code is 12345678"))
    job_id = await enqueue(app)
    await worker_of(app, runs).drain()
    assert (await stored(app, job_id)).error == "ValueError"
    app.clock.forward(minutes=1)
    await worker_of(app, runs).drain()
    assert runs.seen == [job_id, job_id]


async def test_an_expired_job_is_not_run_and_its_payload_is_erased(app: RunningApp) -> None:
    runs = Runs(TemporaryError("down"))
    job_id = await enqueue(app, expires_in=timedelta(minutes=10))
    await worker_of(app, runs).drain()
    app.clock.forward(minutes=10)
    await worker_of(app, runs).drain()
    job = await stored(app, job_id)
    assert (job.state, job.payload, len(runs.seen)) == ("dead", None, 1)
    assert await retry(app, job_id) == []


async def test_a_job_that_takes_too_long_is_cut_off_and_tried_again(app: RunningApp) -> None:
    async def hang(_: Attempt) -> None:
        await asyncio.Event().wait()

    job_id = await enqueue(app)
    await worker_of(app, hang, attempt_seconds=0.01).drain()
    job = await stored(app, job_id)
    assert (job.state, job.error) == ("queued", "took longer than 0.01 s")


async def test_a_job_sealed_with_another_key_waits_for_that_key(app: RunningApp, database_url: str) -> None:
    runs = Runs()
    job_id = await enqueue(app)
    rotated = settings_for(database_url, SECRET_KEY="another key 7Zr0Vb3Lw9Qe5Tx1Yn6Ku")
    mended = settings_for(
        database_url, SECRET_KEY=rotated.secret_key or "", SECRET_KEY_PREVIOUS=app.settings.secret_key or ""
    )
    for settings, state in ((rotated, "queued"), (mended, "done")):
        tasks = {KIND: Task(runs)}
        await Worker(app.resources.database, app.clock, SecretKey(settings), tasks).drain()
        job = await stored(app, job_id)
        assert job.state == state
        assert state == "done" or "SECRET_KEY_PREVIOUS" in (job.error or "")
        app.clock.forward(minutes=1)
    assert runs.seen == [job_id]


async def test_a_scheduled_kind_is_one_job_that_runs_on_one_worker_at_a_time(app: RunningApp) -> None:
    running, most, runs = 0, 0, 0
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def run(_: Attempt) -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        begun.set()
        await may_end.wait()
        running -= 1

    resources = app.resources
    tasks = {"sweep": Task(run, every=timedelta(hours=1))}
    workers = [Worker(resources.database, app.clock, resources.secret_key, tasks) for _ in range(3)]
    first = asyncio.create_task(workers[0].drain())
    await begun.wait()
    await asyncio.gather(*[other.drain() for other in workers[1:]])
    may_end.set()
    await first
    await asyncio.gather(*[each.drain() for each in workers])
    assert (most, runs) == (1, 1)
    app.clock.forward(hours=1)
    await asyncio.gather(*[each.drain() for each in workers])
    assert (most, runs) == (1, 2)
    assert await resources.database.pool.fetchval("SELECT count(*) FROM jobs WHERE kind = 'sweep'") == 1


async def test_a_scheduled_job_never_dies_of_failing(app: RunningApp) -> None:
    runs = Runs(*[TemporaryError("locked")] * (MAX_ATTEMPTS + 5))
    resources = app.resources
    tasks = {"sweep": Task(runs, every=timedelta(hours=1))}
    sweeper = Worker(resources.database, app.clock, resources.secret_key, tasks)
    for _ in range(MAX_ATTEMPTS + 6):
        await sweeper.drain()
        app.clock.forward(hours=1)
    assert len(runs.seen) == MAX_ATTEMPTS + 6
    assert await resources.database.pool.fetchval("SELECT error FROM jobs WHERE kind = 'sweep'") is None
