"""Durable jobs: enqueued in a transaction, run by one worker at a time, retried, and kept when they have failed."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from app.jobs import worker
from app.jobs.worker import MAX_ATTEMPTS, Attempt, JobHandler, PermanentError, TemporaryError, Worker, backoff
from app.secret_key import SecretKey
from tests.support.app import RunningApp, settings_for
from tests.support.fake_jobs import KIND, FakeHandler, FakePayload, enqueue, fake_worker, read_job, retry
from tests.support.run_jobs import drain


async def test_a_job_exists_only_if_its_transaction_commits(app: RunningApp) -> None:
    handler = FakeHandler()
    with suppress(ZeroDivisionError):
        async with app.resources.database.transaction() as transaction:
            await app.resources.jobs.enqueue(transaction, KIND, FakePayload())
            raise ZeroDivisionError
    async with app.resources.database.transaction() as transaction:
        job_id = await app.resources.jobs.enqueue(transaction, KIND, FakePayload())
        await drain(fake_worker(app, handler))
        assert handler.job_ids == []
    await drain(fake_worker(app, handler))
    assert handler.job_ids == [job_id]


async def test_a_done_job_has_no_payload_and_is_not_run_again(app: RunningApp) -> None:
    handler = FakeHandler()
    job_id = await enqueue(app)
    await drain(fake_worker(app, handler))
    app.clock.forward(days=2)
    await drain(fake_worker(app, handler))
    job = await read_job(app, job_id)
    assert (job.state, job.payload, handler.job_ids) == ("done", None, [job_id])


async def test_a_failed_job_is_retried_after_delays_that_double_up_to_an_hour(app: RunningApp) -> None:
    handler = FakeHandler(*[TemporaryError("the server is down")] * 3)
    job_id = await enqueue(app)
    for attempt in (1, 2, 3):
        await drain(fake_worker(app, handler))
        assert len(handler.job_ids) == attempt
        assert (await read_job(app, job_id)).error == "the server is down"
        app.clock.now += backoff(attempt) - timedelta(milliseconds=1)
        await drain(fake_worker(app, handler))
        assert len(handler.job_ids) == attempt
        app.clock.forward(milliseconds=1)
    await drain(fake_worker(app, handler))
    assert (await read_job(app, job_id)).state == "done"
    seconds = [backoff(attempt).total_seconds() for attempt in range(1, 13)]
    assert seconds == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


async def test_a_job_is_dead_after_its_last_attempt_a_day_later_and_can_be_retried(app: RunningApp) -> None:
    handler = FakeHandler(*[TemporaryError("still down")] * MAX_ATTEMPTS)
    job_id, start = await enqueue(app), app.clock()
    while (job := await read_job(app, job_id)).state == "queued":
        app.clock.now = max(app.clock.now, job.due_at)
        await drain(fake_worker(app, handler))
    assert (job.state, job.error, len(handler.job_ids)) == ("dead", "still down", MAX_ATTEMPTS)
    assert timedelta(hours=24) < app.clock() - start < timedelta(hours=26)
    assert await retry(app, job_id) == [job_id]
    await drain(fake_worker(app, handler))
    assert (await read_job(app, job_id)).state == "done"


async def test_a_job_is_dead_after_a_permanent_error(app: RunningApp) -> None:
    handler = FakeHandler(PermanentError("no such mailbox\r\nX: \x1b[31m" + "x" * 300))
    job_id = await enqueue(app)
    await drain(fake_worker(app, handler))
    app.clock.forward(days=2)
    await drain(fake_worker(app, handler))
    job = await read_job(app, job_id)
    assert (job.state, handler.job_ids) == ("dead", [job_id])
    assert (job.error or "").startswith("no such mailbox X: [31mxxx")
    assert len(job.error or "") == worker.ERROR_MAX


async def test_an_unexpected_error_is_retried_and_only_its_type_is_stored(app: RunningApp) -> None:
    handler = FakeHandler(ValueError("the code is 12345678"))
    job_id = await enqueue(app)
    await drain(fake_worker(app, handler))
    assert (await read_job(app, job_id)).error == "ValueError"
    app.clock.forward(minutes=1)
    await drain(fake_worker(app, handler))
    assert handler.job_ids == [job_id, job_id]


async def test_an_expired_job_is_not_run_and_its_payload_is_erased(app: RunningApp) -> None:
    handler = FakeHandler(TemporaryError("down"))
    job_id = await enqueue(app, expires_in=timedelta(minutes=10))
    await drain(fake_worker(app, handler))
    app.clock.forward(minutes=10)
    await drain(fake_worker(app, handler))
    job = await read_job(app, job_id)
    assert (job.state, job.payload, len(handler.job_ids)) == ("dead", None, 1)
    assert await retry(app, job_id) == []


async def test_an_attempt_that_takes_too_long_is_cancelled_and_retried(app: RunningApp) -> None:
    async def hang(_: Attempt) -> None:
        await asyncio.Event().wait()

    job_id = await enqueue(app)
    await drain(fake_worker(app, hang, attempt_seconds=0.01))
    job = await read_job(app, job_id)
    assert (job.state, job.error) == ("queued", "took longer than 0.01 s")


async def test_a_job_encrypted_with_another_key_waits_for_that_key(app: RunningApp, database_url: str) -> None:
    handler = FakeHandler()
    job_id = await enqueue(app)
    rotated = settings_for(database_url, SECRET_KEY="another key 7Zr0Vb3Lw9Qe5Tx1Yn6Ku")
    corrected = settings_for(
        database_url, SECRET_KEY=rotated.secret_key or "", SECRET_KEY_PREVIOUS=app.settings.secret_key or ""
    )
    for settings, state in ((rotated, "queued"), (corrected, "done")):
        handlers = {KIND: JobHandler(handler)}
        await drain(Worker(app.resources.database, app.clock, SecretKey(settings), handlers))
        job = await read_job(app, job_id)
        assert job.state == state
        assert state == "done" or "SECRET_KEY_PREVIOUS" in (job.error or "")
        app.clock.forward(minutes=1)
    assert handler.job_ids == [job_id]


async def test_a_scheduled_kind_has_one_job_that_one_worker_at_a_time_runs(app: RunningApp) -> None:
    running, most_running, runs = 0, 0, 0
    started, may_finish = asyncio.Event(), asyncio.Event()

    async def run(_: Attempt) -> None:
        nonlocal running, most_running, runs
        running, runs = running + 1, runs + 1
        most_running = max(most_running, running)
        started.set()
        await may_finish.wait()
        running -= 1

    resources = app.resources
    handlers = {"sweep": JobHandler(run, every=timedelta(hours=1))}
    workers = [Worker(resources.database, app.clock, resources.secret_key, handlers) for _ in range(3)]
    first = asyncio.create_task(drain(workers[0]))
    await started.wait()
    await asyncio.gather(*[drain(worker) for worker in workers[1:]])
    may_finish.set()
    await first
    await asyncio.gather(*[drain(worker) for worker in workers])
    assert (most_running, runs) == (1, 1)
    app.clock.forward(hours=1)
    await asyncio.gather(*[drain(worker) for worker in workers])
    assert (most_running, runs) == (1, 2)
    assert await resources.database.pool.fetchval("SELECT count(*) FROM jobs WHERE kind = 'sweep'") == 1


async def test_a_scheduled_job_is_never_dead_however_often_it_fails(app: RunningApp) -> None:
    handler = FakeHandler(*[TemporaryError("locked")] * (MAX_ATTEMPTS + 5))
    resources = app.resources
    handlers = {"sweep": JobHandler(handler, every=timedelta(hours=1))}
    sweeper = Worker(resources.database, app.clock, resources.secret_key, handlers)
    for _ in range(MAX_ATTEMPTS + 6):
        await drain(sweeper)
        app.clock.forward(hours=1)
    assert len(handler.job_ids) == MAX_ATTEMPTS + 6
    assert await resources.database.pool.fetchval("SELECT error FROM jobs WHERE kind = 'sweep'") is None
