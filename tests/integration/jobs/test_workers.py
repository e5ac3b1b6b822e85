"""Workers: one job is run by one of them at a time, none is lost with one of them, and a commit wakes them."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import asyncpg
import pytest

from app.jobs import queue as jobs
from app.jobs import worker
from app.jobs.queue import Claimed, Outcome
from app.jobs.worker import LEASE, MAX_ATTEMPTS, Attempt, Task, Worker
from tests.support.app import RunningApp, until
from tests.support.fake_jobs import KIND, Runs, enqueue, stored, worker_of


async def test_a_mistake_of_the_worker_itself_does_not_end_the_work(app: RunningApp) -> None:
    """The clock fails where no job is to blame."""
    runs, failing = Runs(), True

    def clock() -> datetime:
        nonlocal failing
        if failing:
            failing = False
            raise RuntimeError("no time")
        return app.clock()

    resources = app.resources
    erring = Worker(resources.database, clock, resources.secret_key, {KIND: Task(runs)})
    async with erring.working():
        job_id = await enqueue(app)

        async def has_run() -> bool:
            return runs.seen == [job_id]

        await until(has_run)


async def test_two_workers_never_run_the_same_job(app: RunningApp) -> None:
    runs = Runs()
    ids = [await enqueue(app) for _ in range(60)]
    await asyncio.gather(*[worker_of(app, runs).drain() for _ in range(3)])
    assert Counter(runs.seen) == Counter(ids)


async def test_claims_that_are_open_at_the_same_time_share_the_jobs_out(app: RunningApp) -> None:
    for _ in range(8):
        await enqueue(app)

    connections = [await asyncpg.connect(app.settings.database_url) for _ in range(3)]
    claims = []
    for connection in connections:
        await connection.execute("BEGIN")
        now = app.clock()
        rows = await connection.fetch(jobs.CLAIM, now, [KIND], now + LEASE, 4, timeout=20)
        claims.append({row["id"] for row in rows})
    for connection in connections:
        await connection.close()
    assert list(map(len, claims)) == [4, 4, 0]
    assert len(set.union(*claims)) == 8


async def abandon(app: RunningApp) -> Claimed:
    """Claim the one job that is due, as a worker does that is killed right after."""
    now = app.clock()
    (job,) = await jobs.claim(app.resources.database, [KIND], now=now, leased_until=now + LEASE, limit=4)
    return job


async def test_an_abandoned_job_is_taken_up_when_its_lease_has_passed_and_not_before(app: RunningApp) -> None:
    runs = Runs()
    job_id = await enqueue(app)
    await abandon(app)
    app.clock.now += LEASE - timedelta(milliseconds=1)
    await worker_of(app, runs).drain()
    assert (runs.seen, (await stored(app, job_id)).state) == ([], "running")
    app.clock.forward(milliseconds=1)
    await worker_of(app, runs).drain()
    assert runs.seen == [job_id]


async def test_a_worker_that_has_lost_its_lease_changes_nothing_any_more(app: RunningApp) -> None:
    job_id = await enqueue(app)
    first = await abandon(app)
    app.clock.now += LEASE
    second = await abandon(app)
    assert (first.id, second.attempts) == (job_id, 2)
    done = Outcome("done", finished_at=app.clock(), erase_payload=True)
    assert not await jobs.settle(app.resources.database, first, done)
    assert await jobs.settle(app.resources.database, second, done)
    assert not await jobs.settle(app.resources.database, second, done)


async def test_a_job_that_kills_every_worker_is_dead_in_the_end(app: RunningApp) -> None:
    runs = Runs()
    job_id = await enqueue(app)
    for _ in range(MAX_ATTEMPTS):
        await abandon(app)
        app.clock.now += LEASE
    await worker_of(app, runs).drain()
    assert (runs.seen, (await stored(app, job_id)).state) == ([], "dead")


async def test_jobs_of_an_unknown_kind_are_left_to_the_workers_that_know_them(app: RunningApp) -> None:
    job_id = await enqueue(app)
    await app.worker.drain()
    assert (await stored(app, job_id)).attempts == 0


class Signals:
    """A task that tells when it has begun, and ends when it may."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, _: Attempt) -> None:
        self.begun.set()
        await self.may_end.wait()
        self.ended.set()


async def test_a_waiting_worker_is_woken_by_the_commit(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 3600.0)
    signals = Signals()
    signals.may_end.set()
    listening = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query = 'LISTEN \"ostiary_jobs\"' AND state = 'idle'"
    )
    async with worker_of(app, signals).working(), asyncio.timeout(20):
        await until(lambda: app.resources.database.pool.fetchval(listening))
        await enqueue(app)
        await signals.ended.wait()


async def test_a_worker_survives_the_loss_of_its_connections(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)
    signals = Signals()
    signals.may_end.set()
    pool = app.resources.database.pool
    async with worker_of(app, signals).working(), asyncio.timeout(20):
        await until(
            lambda: pool.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query = 'LISTEN \"ostiary_jobs\"'"
            )
        )
        await enqueue(app)
        await signals.ended.wait()


async def test_a_stopping_worker_lets_running_jobs_end(app: RunningApp) -> None:
    signals = Signals()
    job_id = await enqueue(app)
    async with asyncio.timeout(20):
        async with worker_of(app, signals).working():
            await signals.begun.wait()
            asyncio.get_running_loop().call_later(0.05, signals.may_end.set)
        assert signals.ended.is_set()
        assert (await stored(app, job_id)).state == "done"


async def test_a_job_cut_off_by_the_stop_is_not_lost(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "STOP_SECONDS", 0.01)
    signals, runs = Signals(), Runs()
    job_id = await enqueue(app)
    async with asyncio.timeout(20), worker_of(app, signals).working():
        await signals.begun.wait()
    assert not signals.ended.is_set()
    app.clock.now += LEASE
    await worker_of(app, runs).drain()
    assert runs.seen == [job_id]
