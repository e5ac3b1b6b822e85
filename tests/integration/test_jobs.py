"""Durable jobs: committed with their cause, run by one worker at a time, retried, and kept where they fail for good."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from msgspec import Struct

from app import jobs, worker
from app.cleaning import clean_up
from app.jobs import Claimed, Outcome
from app.keyring import Keyring
from app.worker import LEASE, MAX_ATTEMPTS, Attempt, PermanentError, Task, TemporaryError, Worker, backoff
from tests.world import World, settings_for, until

KIND = "errand"


class Errand(Struct):
    """What the test's jobs carry."""

    name: str = "a secret errand"


class Runs:
    """A task that notes its runs, and fails as long as the test has errors for it."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.seen: list[UUID] = []

    async def __call__(self, attempt: Attempt) -> None:
        self.seen.append(attempt.id)
        if self.errors:
            raise self.errors.pop(0)


def worker_of(world: World, run: Callable[[Attempt], Awaitable[None]], **options: float) -> Worker:
    return Worker(world.services.database, world.clock, world.services.keyring, {KIND: Task(run)}, **options)


async def enqueue(world: World, **options: timedelta) -> UUID:
    expires_at = world.clock() + options["expires_in"] if options else None
    async with world.services.database.transaction() as transaction:
        return await world.services.jobs.enqueue(transaction, KIND, Errand(), expires_at=expires_at)


async def stored(world: World, job_id: UUID) -> jobs.Job:
    async with world.services.database.transaction() as transaction:
        return await transaction.get_one(jobs.Job, job_id)


async def retry(world: World, *ids: UUID) -> list[UUID]:
    async with world.services.database.transaction() as transaction:
        return await world.services.jobs.retry(transaction, ids)


async def test_a_mistake_of_the_worker_itself_does_not_end_the_work(world: World) -> None:
    """The clock fails where no job is to blame."""
    runs, failing = Runs(), True

    def clock() -> datetime:
        nonlocal failing
        if failing:
            failing = False
            raise RuntimeError("no time")
        return world.clock()

    services = world.services
    erring = Worker(services.database, clock, services.keyring, {KIND: Task(runs)})
    async with erring.working():
        job_id = await enqueue(world)

        async def has_run() -> bool:
            return runs.seen == [job_id]

        await until(has_run)


async def test_a_job_is_there_exactly_when_its_transaction_has_committed(world: World) -> None:
    runs = Runs()
    with suppress(ZeroDivisionError):
        async with world.services.database.transaction() as transaction:
            await world.services.jobs.enqueue(transaction, KIND, Errand())
            raise ZeroDivisionError
    async with world.services.database.transaction() as transaction:
        job_id = await world.services.jobs.enqueue(transaction, KIND, Errand())
        await worker_of(world, runs).drain()
        assert runs.seen == []
    await worker_of(world, runs).drain()
    assert runs.seen == [job_id]


async def test_a_done_job_keeps_no_payload_and_runs_no_more(world: World) -> None:
    runs = Runs()
    job_id = await enqueue(world)
    await worker_of(world, runs).drain()
    world.clock.forward(days=2)
    await worker_of(world, runs).drain()
    job = await stored(world, job_id)
    assert (job.state, job.payload, runs.seen) == ("done", None, [job_id])


async def test_a_failed_job_is_tried_again_after_delays_that_double_up_to_an_hour(world: World) -> None:
    runs = Runs(*[TemporaryError("the server is down")] * 3)
    job_id = await enqueue(world)
    for attempt in (1, 2, 3):
        await worker_of(world, runs).drain()
        assert len(runs.seen) == attempt
        assert (await stored(world, job_id)).error == "the server is down"
        world.clock.now += backoff(attempt) - timedelta(milliseconds=1)
        await worker_of(world, runs).drain()
        assert len(runs.seen) == attempt
        world.clock.forward(milliseconds=1)
    await worker_of(world, runs).drain()
    assert (await stored(world, job_id)).state == "done"
    seconds = [backoff(attempt).total_seconds() for attempt in range(1, 13)]
    assert seconds == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


async def test_a_job_is_dead_after_its_last_attempt_a_day_later_and_can_be_retried(world: World) -> None:
    runs = Runs(*[TemporaryError("still down")] * MAX_ATTEMPTS)
    job_id, start = await enqueue(world), world.clock()
    while (job := await stored(world, job_id)).state == "queued":
        world.clock.now = max(world.clock.now, job.due_at)
        await worker_of(world, runs).drain()
    assert (job.state, job.error, len(runs.seen)) == ("dead", "still down", MAX_ATTEMPTS)
    assert timedelta(hours=24) < world.clock() - start < timedelta(hours=26)
    assert await retry(world, job_id) == [job_id]
    await worker_of(world, runs).drain()
    assert (await stored(world, job_id)).state == "done"


async def test_a_permanent_failure_is_final_at_once(world: World) -> None:
    runs = Runs(PermanentError("no such mailbox\r\nX: \x1b[31m" + "x" * 300))
    job_id = await enqueue(world)
    await worker_of(world, runs).drain()
    world.clock.forward(days=2)
    await worker_of(world, runs).drain()
    job = await stored(world, job_id)
    assert (job.state, runs.seen) == ("dead", [job_id])
    assert (job.error or "").startswith("no such mailbox X: [31mxxx")
    assert len(job.error or "") == worker.ERROR_MAX


async def test_an_unexpected_error_is_retried_and_only_its_type_is_kept(world: World) -> None:
    runs = Runs(ValueError("the code is 12345678"))
    job_id = await enqueue(world)
    await worker_of(world, runs).drain()
    assert (await stored(world, job_id)).error == "ValueError"
    world.clock.forward(minutes=1)
    await worker_of(world, runs).drain()
    assert runs.seen == [job_id, job_id]


async def test_an_expired_job_is_not_run_and_its_payload_is_erased(world: World) -> None:
    runs = Runs(TemporaryError("down"))
    job_id = await enqueue(world, expires_in=timedelta(minutes=10))
    await worker_of(world, runs).drain()
    world.clock.forward(minutes=10)
    await worker_of(world, runs).drain()
    job = await stored(world, job_id)
    assert (job.state, job.payload, len(runs.seen)) == ("dead", None, 1)
    assert await retry(world, job_id) == []


async def test_a_job_that_takes_too_long_is_cut_off_and_tried_again(world: World) -> None:
    async def hang(_: Attempt) -> None:
        await asyncio.Event().wait()

    job_id = await enqueue(world)
    await worker_of(world, hang, attempt_seconds=0.01).drain()
    job = await stored(world, job_id)
    assert (job.state, job.error) == ("queued", "took longer than 0.01 s")


async def test_two_workers_never_run_the_same_job(world: World) -> None:
    runs = Runs()
    ids = [await enqueue(world) for _ in range(60)]
    await asyncio.gather(*[worker_of(world, runs).drain() for _ in range(3)])
    assert Counter(runs.seen) == Counter(ids)


async def test_claims_that_are_open_at_the_same_time_share_the_jobs_out(world: World) -> None:
    for _ in range(8):
        await enqueue(world)

    connections = [await asyncpg.connect(world.settings.database_url) for _ in range(3)]
    claims = []
    for connection in connections:
        await connection.execute("BEGIN")
        now = world.clock()
        rows = await connection.fetch(jobs.CLAIM, now, [KIND], now + LEASE, 4, timeout=20)
        claims.append({row["id"] for row in rows})
    for connection in connections:
        await connection.close()
    assert list(map(len, claims)) == [4, 4, 0]
    assert len(set.union(*claims)) == 8


async def abandon(world: World) -> Claimed:
    """Claim the one job that is due, as a worker does that is killed right after."""
    now = world.clock()
    (job,) = await jobs.claim(world.services.database, [KIND], now=now, leased_until=now + LEASE, limit=4)
    return job


async def test_an_abandoned_job_is_taken_up_when_its_lease_has_passed_and_not_before(world: World) -> None:
    runs = Runs()
    job_id = await enqueue(world)
    await abandon(world)
    world.clock.now += LEASE - timedelta(milliseconds=1)
    await worker_of(world, runs).drain()
    assert (runs.seen, (await stored(world, job_id)).state) == ([], "running")
    world.clock.forward(milliseconds=1)
    await worker_of(world, runs).drain()
    assert runs.seen == [job_id]


async def test_a_worker_that_has_lost_its_lease_changes_nothing_any_more(world: World) -> None:
    job_id = await enqueue(world)
    first = await abandon(world)
    world.clock.now += LEASE
    second = await abandon(world)
    assert (first.id, second.attempts) == (job_id, 2)
    done = Outcome("done", finished_at=world.clock(), erase_payload=True)
    assert not await jobs.settle(world.services.database, first, done)
    assert await jobs.settle(world.services.database, second, done)
    assert not await jobs.settle(world.services.database, second, done)


async def test_a_job_that_kills_every_worker_is_dead_in_the_end(world: World) -> None:
    runs = Runs()
    job_id = await enqueue(world)
    for _ in range(MAX_ATTEMPTS):
        await abandon(world)
        world.clock.now += LEASE
    await worker_of(world, runs).drain()
    assert (runs.seen, (await stored(world, job_id)).state) == ([], "dead")


async def test_a_job_sealed_with_another_key_waits_for_that_key(world: World, database_url: str) -> None:
    runs = Runs()
    job_id = await enqueue(world)
    rotated = settings_for(database_url, SECRET_KEY="another key 7Zr0Vb3Lw9Qe5Tx1Yn6Ku")
    mended = settings_for(
        database_url, SECRET_KEY=rotated.secret_key or "", SECRET_KEY_PREVIOUS=world.settings.secret_key or ""
    )
    for settings, state in ((rotated, "queued"), (mended, "done")):
        tasks = {KIND: Task(runs)}
        await Worker(world.services.database, world.clock, Keyring(settings), tasks).drain()
        job = await stored(world, job_id)
        assert job.state == state
        assert state == "done" or "SECRET_KEY_PREVIOUS" in (job.error or "")
        world.clock.forward(minutes=1)
    assert runs.seen == [job_id]


async def test_jobs_of_an_unknown_kind_are_left_to_the_workers_that_know_them(world: World) -> None:
    job_id = await enqueue(world)
    await world.services.worker.drain()
    assert (await stored(world, job_id)).attempts == 0


class Signals:
    """A task that tells when it has begun, and ends when it may."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, _: Attempt) -> None:
        self.begun.set()
        await self.may_end.wait()
        self.ended.set()


async def test_a_waiting_worker_is_woken_by_the_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 3600.0)
    signals = Signals()
    signals.may_end.set()
    listening = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query = 'LISTEN \"ostiary_jobs\"' AND state = 'idle'"
    )
    async with worker_of(world, signals).working(), asyncio.timeout(20):
        await until(lambda: world.services.database.pool.fetchval(listening))
        await enqueue(world)
        await signals.ended.wait()


async def test_a_worker_survives_the_loss_of_its_connections(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)
    signals = Signals()
    signals.may_end.set()
    pool = world.services.database.pool
    async with worker_of(world, signals).working(), asyncio.timeout(20):
        await until(
            lambda: pool.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query = 'LISTEN \"ostiary_jobs\"'"
            )
        )
        await enqueue(world)
        await signals.ended.wait()


async def test_a_stopping_worker_lets_running_jobs_end(world: World) -> None:
    signals = Signals()
    job_id = await enqueue(world)
    async with asyncio.timeout(20):
        async with worker_of(world, signals).working():
            await signals.begun.wait()
            asyncio.get_running_loop().call_later(0.05, signals.may_end.set)
        assert signals.ended.is_set()
        assert (await stored(world, job_id)).state == "done"


async def test_a_job_cut_off_by_the_stop_is_not_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "STOP_SECONDS", 0.01)
    signals, runs = Signals(), Runs()
    job_id = await enqueue(world)
    async with asyncio.timeout(20), worker_of(world, signals).working():
        await signals.begun.wait()
    assert not signals.ended.is_set()
    world.clock.now += LEASE
    await worker_of(world, runs).drain()
    assert runs.seen == [job_id]


async def test_a_scheduled_kind_is_one_job_that_runs_on_one_worker_at_a_time(world: World) -> None:
    running, most, runs = 0, 0, 0
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def run(_: Attempt) -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        begun.set()
        await may_end.wait()
        running -= 1

    services = world.services
    tasks = {"sweep": Task(run, every=timedelta(hours=1))}
    workers = [Worker(services.database, world.clock, services.keyring, tasks) for _ in range(3)]
    first = asyncio.create_task(workers[0].drain())
    await begun.wait()
    await asyncio.gather(*[other.drain() for other in workers[1:]])
    may_end.set()
    await first
    await asyncio.gather(*[each.drain() for each in workers])
    assert (most, runs) == (1, 1)
    world.clock.forward(hours=1)
    await asyncio.gather(*[each.drain() for each in workers])
    assert (most, runs) == (1, 2)
    assert await services.database.pool.fetchval("SELECT count(*) FROM jobs WHERE kind = 'sweep'") == 1


async def test_a_scheduled_job_never_dies_of_failing(world: World) -> None:
    runs = Runs(*[TemporaryError("locked")] * (MAX_ATTEMPTS + 5))
    services = world.services
    sweeper = Worker(services.database, world.clock, services.keyring, {"sweep": Task(runs, every=timedelta(hours=1))})
    for _ in range(MAX_ATTEMPTS + 6):
        await sweeper.drain()
        world.clock.forward(hours=1)
    assert len(runs.seen) == MAX_ATTEMPTS + 6
    assert await services.database.pool.fetchval("SELECT error FROM jobs WHERE kind = 'sweep'") is None


async def test_clean_up_deletes_what_has_expired_and_nothing_else(world: World) -> None:
    pool = world.services.database.pool
    user_id = await world.user()
    await world.token(user_id)
    await world.services.invitations.create_user("invited@example.org", "", None)
    done = await enqueue(world)
    await worker_of(world, Runs()).drain()
    dead = await enqueue(world)
    await worker_of(world, Runs(PermanentError("no"))).drain()

    async def left() -> list[object]:
        await world.services.worker.drain()
        jobs_left = {row["id"] for row in await pool.fetch("SELECT id FROM jobs")} & {done, dead}
        return [
            await pool.fetchval("SELECT count(*) FROM sessions"),
            await pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use'"),
            jobs_left,
        ]

    assert await left() == [1, 1, {done, dead}]
    world.clock.forward(days=7)
    assert await left() == [1, 1, {dead}]
    world.clock.forward(days=1)
    assert await left() == [1, 0, {dead}]
    world.clock.forward(days=6)
    assert await left() == [0, 0, {dead}]
    world.clock.forward(days=16)
    assert await left() == [0, 0, set()]
    assert await pool.fetchval("SELECT count(*) FROM keys") == 2


async def test_clean_up_goes_on_until_nothing_is_left(world: World) -> None:
    left = 2500

    async def sweep(_: object, __: object, limit: int) -> int:
        nonlocal left
        batch = min(limit, left)
        left -= batch
        return batch

    task = clean_up(world.services.database, world.clock, [sweep])
    await task.run(Attempt(UUID(int=0), b"", world.clock()))
    assert left == 0
