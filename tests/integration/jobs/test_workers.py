"""Workers: each job is leased to one of them at a time, a killed worker loses no job, and a commit wakes them."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from itertools import count

import asyncpg
import pytest

from app.clock import utc_now
from app.jobs import queue, worker
from app.jobs.queue import ClaimedJob, Outcome
from app.jobs.worker import LEASE, MAX_ATTEMPTS, Attempt, JobHandler, Worker
from tests.support.app import RunningApp, until
from tests.support.fake_jobs import KIND, FakeHandler, FakePayload, enqueue, fake_worker, read_job
from tests.support.run_jobs import drain


async def test_an_unexpected_error_outside_of_handlers_does_not_stop_the_worker(app: RunningApp) -> None:
    handler, failing = FakeHandler(), True

    def clock() -> datetime:
        nonlocal failing
        if failing:
            failing = False
            raise RuntimeError("no time")
        return app.clock()

    resources = app.resources
    worker_with_failing_clock = Worker(resources.database, clock, resources.secret_key, {KIND: JobHandler(handler)})
    async with worker_with_failing_clock.working():
        job_id = await enqueue(app)

        async def has_run() -> bool:
            return handler.job_ids == [job_id]

        await until(has_run)


async def test_a_worker_wakes_when_the_next_job_is_due(app: RunningApp) -> None:
    handler, resources = FakeHandler(), app.resources
    async with Worker(resources.database, utc_now, resources.secret_key, {KIND: JobHandler(handler)}).working():
        due_at = utc_now() + timedelta(seconds=0.3)
        async with resources.database.transaction() as transaction:
            job_id = await resources.jobs.enqueue(transaction, KIND, FakePayload(), due_at=due_at)

        async def has_run() -> bool:
            return handler.job_ids == [job_id]

        await until(has_run)
        late = utc_now() - due_at
    assert timedelta() <= late < timedelta(seconds=worker.POLL_SECONDS / 2)


async def test_two_workers_never_run_the_same_job(app: RunningApp) -> None:
    handler = FakeHandler()
    ids = [await enqueue(app) for _ in range(60)]
    await asyncio.gather(*[drain(fake_worker(app, handler)) for _ in range(3)])
    assert Counter(handler.job_ids) == Counter(ids)


async def test_concurrent_claims_never_contain_the_same_job(app: RunningApp) -> None:
    for _ in range(8):
        await enqueue(app)

    connections = [await asyncpg.connect(app.settings.database_url) for _ in range(3)]
    claims = []
    for connection in connections:
        await connection.execute("BEGIN")
        now = app.clock()
        rows = await connection.fetch(queue.CLAIM, now, [KIND], now + LEASE, 4, timeout=20)
        claims.append({row["id"] for row in rows})
    for connection in connections:
        await connection.close()
    assert list(map(len, claims)) == [4, 4, 0]
    assert len(set.union(*claims)) == 8


async def claim_and_record_nothing(app: RunningApp) -> ClaimedJob:
    """Claim the only due job, like a worker that is killed during the attempt."""
    now = app.clock()
    (job,) = await queue.claim(app.resources.database, [KIND], now=now, leased_until=now + LEASE, limit=4)
    return job


async def test_the_job_of_a_killed_worker_is_run_when_its_lease_has_ended_and_not_before(app: RunningApp) -> None:
    handler = FakeHandler()
    job_id = await enqueue(app)
    await claim_and_record_nothing(app)
    app.clock.now += LEASE - timedelta(milliseconds=1)
    await drain(fake_worker(app, handler))
    assert (handler.job_ids, (await read_job(app, job_id)).state) == ([], "running")
    app.clock.forward(milliseconds=1)
    await drain(fake_worker(app, handler))
    assert handler.job_ids == [job_id]


async def test_a_worker_whose_lease_has_ended_records_no_outcome(app: RunningApp) -> None:
    job_id = await enqueue(app)
    first = await claim_and_record_nothing(app)
    app.clock.now += LEASE
    second = await claim_and_record_nothing(app)
    assert (first.id, second.attempts) == (job_id, 2)
    done = Outcome("done", finished_at=app.clock(), erase_payload=True)
    assert not await queue.record_outcome(app.resources.database, first, done)
    assert await queue.record_outcome(app.resources.database, second, done)
    assert not await queue.record_outcome(app.resources.database, second, done)


async def test_a_job_that_kills_every_worker_is_dead_after_its_last_attempt(app: RunningApp) -> None:
    handler = FakeHandler()
    job_id = await enqueue(app)
    for _ in range(MAX_ATTEMPTS):
        await claim_and_record_nothing(app)
        app.clock.now += LEASE
    await drain(fake_worker(app, handler))
    assert (handler.job_ids, (await read_job(app, job_id)).state) == ([], "dead")


async def test_a_worker_does_not_claim_jobs_of_kinds_that_it_has_no_handler_for(app: RunningApp) -> None:
    job_id = await enqueue(app)
    await drain(app.worker)
    assert (await read_job(app, job_id)).attempts == 0


class BlockingHandler:
    """Sets `started`, waits for `may_finish`, then sets `finished`."""

    def __init__(self) -> None:
        self.started, self.may_finish, self.finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, _: Attempt) -> None:
        self.started.set()
        await self.may_finish.wait()
        self.finished.set()


async def test_an_idle_worker_is_woken_by_the_commit(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 3600.0)
    blocking = BlockingHandler()
    blocking.may_finish.set()
    async with fake_worker(app, blocking).working(), asyncio.timeout(20):
        await app.resources.database.settle()  # so that the new subscription is heard
        await enqueue(app)
        await blocking.finished.wait()


async def test_a_worker_reconnects_after_it_has_lost_its_connection(
    app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)
    blocking = BlockingHandler()
    blocking.may_finish.set()
    pool = app.resources.database.pool
    async with fake_worker(app, blocking).working(), asyncio.timeout(20):
        await until(
            lambda: pool.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%FROM pg_notify(%'"
            )
        )
        await enqueue(app)
        await blocking.finished.wait()

    async def hears_again() -> bool:
        return app.resources.database.listener.is_current()

    await until(hears_again)  # then all connections are replaced: not during another test


async def test_a_stopping_worker_waits_for_running_jobs(app: RunningApp) -> None:
    blocking = BlockingHandler()
    job_id = await enqueue(app)
    async with asyncio.timeout(20):
        async with fake_worker(app, blocking).working():
            await blocking.started.wait()
            asyncio.get_running_loop().call_later(0.05, blocking.may_finish.set)
        assert blocking.finished.is_set()
        assert (await read_job(app, job_id)).state == "done"


async def test_a_job_cancelled_by_the_stop_is_run_later(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "STOP_SECONDS", 0.01)
    blocking, handler = BlockingHandler(), FakeHandler()
    job_id = await enqueue(app)
    async with asyncio.timeout(20), fake_worker(app, blocking).working():
        await blocking.started.wait()
    assert not blocking.finished.is_set()
    app.clock.now += LEASE
    await drain(fake_worker(app, handler))
    assert handler.job_ids == [job_id]


@pytest.mark.parametrize("reading", range(6))
async def test_a_job_that_falls_due_while_the_worker_looks_for_jobs_does_not_wait_for_the_next_poll(
    app: RunningApp, reading: int
) -> None:
    """The clock goes on each time that it is read, and the job falls due after one of these readings."""
    handler, resources, started = FakeHandler(), app.resources, utc_now()
    readings = count()

    def clock() -> datetime:
        return started + timedelta(milliseconds=next(readings))

    async with resources.database.transaction() as transaction:
        due_at = started + timedelta(milliseconds=reading + 0.5)
        job_id = await resources.jobs.enqueue(transaction, KIND, FakePayload(), due_at=due_at)
    looking = Worker(resources.database, clock, resources.secret_key, {KIND: JobHandler(handler)})

    async def has_run() -> bool:
        return handler.job_ids == [job_id]

    async with looking.working(), asyncio.timeout(worker.POLL_SECONDS / 2):
        await until(has_run)
