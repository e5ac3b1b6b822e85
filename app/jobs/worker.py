"""The background worker: claims due jobs and runs their handlers, several at a time, until it is stopped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock
from app.jobs import queue
from app.jobs.queue import ClaimedJob, Outcome
from app.postgres.database import Database
from app.postgres.outages import is_outage
from app.secret_key import SecretKey, UnsealError
from app.text import one_line

CONCURRENCY = 4
POLL_SECONDS = 5.0
# Where no notification arrives, mail waits no longer than this.
POLL_SECONDS_WITHOUT_NOTIFICATIONS = 1.0
# The pause after the start of each job, so that the HTTP requests of the same process are answered first.
START_PAUSE_SECONDS = 0.014
STOP_SECONDS = 5.0
# An attempt is cancelled after ATTEMPT_SECONDS, and no other worker claims the job before LEASE has passed. The
# difference is how far the clocks of two machines may be apart.
ATTEMPT_SECONDS = 30.0
LEASE = timedelta(seconds=90)
# The delays double from FIRST_DELAY up to LONGEST_DELAY; all MAX_ATTEMPTS attempts take one day.
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=1)
MAX_ATTEMPTS = 34
ERROR_MAX = 200

DATABASE_ERRORS = (
    OSError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

logger = structlog.get_logger("ostiary.jobs")


class TemporaryError(Exception):
    """The attempt failed, but a later one may succeed. The message is stored with the job: it must hold no secret."""


class PermanentError(Exception):
    """No attempt can succeed: the job is dead now. The message is stored with the job: it must hold no secret."""


class Attempt(Struct, frozen=True):
    """What a handler is given: one attempt at a job. All fields are the same at every attempt at the job."""

    job_id: UUID
    payload: bytes
    created_at: datetime


class JobHandler(Struct, frozen=True):
    """How jobs of one kind are run.

    `run` is called again after any exception but `PermanentError`. It may also be called again after a success: when
    the worker is killed before the success is recorded. With `every`, the kind is scheduled: it has a single job,
    which has no payload and is due again that long after each run. Without `keep`, a job is deleted when it is done or
    has expired: strangers cause as many as they like.
    """

    run: Callable[[Attempt], Awaitable[None]]
    every: timedelta | None = None
    keep: bool = True


class Worker:
    """Runs jobs. Several workers may share a database: each job is leased to one of them at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        secret_key: SecretKey,
        handlers: Mapping[str, JobHandler],
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> None:
        """`handlers` maps each kind of job to its handler. The worker leaves jobs of other kinds alone."""
        self._database = database
        self._clock = clock
        self._secret_key = secret_key
        self._handlers = handlers
        self._attempt_seconds = attempt_seconds
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run jobs while the context lasts.

        At its end, running jobs have STOP_SECONDS to finish. A job that does not finish is cancelled; another worker
        claims it after its lease has ended.
        """
        self._database.listener.subscribe(queue.CHANNEL, lambda _: self._wake.set())
        starting = asyncio.create_task(self._start_due_jobs())
        try:
            yield
        finally:
            await _cancel([starting])
            if self._running:
                await asyncio.wait(self._running, timeout=STOP_SECONDS)
            await _cancel(list(self._running))

    async def _start_due_jobs(self) -> None:
        """Start due jobs for ever: at the start, after each notification, after each job, when the next job is due, and
        every POLL_SECONDS."""
        poll_seconds = POLL_SECONDS if self._database.notifies else POLL_SECONDS_WITHOUT_NOTIFICATIONS
        scheduled = False
        while True:
            self._wake.clear()
            wait = poll_seconds
            try:
                if not scheduled:
                    await self._ensure_scheduled()
                    scheduled = True
                while len(self._running) < CONCURRENCY:
                    now = self._clock()
                    claimed = await self._claim(1, now)
                    if not claimed:
                        wait = min(poll_seconds, await self._seconds_to_next_due(now))
                        break
                    self._start(*claimed)
                    await asyncio.sleep(START_PAUSE_SECONDS)
            except DATABASE_ERRORS as error:
                logger.warning("jobs_unavailable", reason=type(error).__name__)
            except Exception:  # the end of this loop would go unnoticed, and this process would run no more jobs
                logger.exception("jobs_failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):  # wait_for can swallow the cancellation (Python 3.11)
                    await self._wake.wait()

    def _start(self, job: ClaimedJob) -> None:
        running = asyncio.create_task(self._run_and_record(job))
        self._running.add(running)
        running.add_done_callback(self._on_done)

    def _on_done(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        self._wake.set()

    async def _ensure_scheduled(self) -> None:
        async with self._database.transaction() as transaction:
            for kind, handler in self._handlers.items():
                if handler.every:
                    await queue.ensure_scheduled(transaction, kind, self._clock())

    async def _claim(self, limit: int, now: datetime) -> list[ClaimedJob]:
        return await queue.claim(self._database, self._handlers, now=now, leased_until=now + LEASE, limit=limit)

    async def _seconds_to_next_due(self, claimed_at: datetime) -> float:
        """The seconds until the next job is due that was not due when jobs were claimed last, at most POLL_SECONDS.

        With a later time, a job that falls due between the two statements would be missed by both.
        """
        due_at = await queue.next_due(self._database, self._handlers, claimed_at)
        return min(max((due_at - self._clock()).total_seconds(), 0), POLL_SECONDS) if due_at else POLL_SECONDS

    async def _run_and_record(self, job: ClaimedJob) -> None:
        outcome = await self._run(job)
        log = logger.bind(job=str(job.id), kind=job.kind, attempt=job.attempts)
        try:
            recorded = await queue.record_outcome(self._database, job, outcome)
        except DATABASE_ERRORS as error:
            log.warning("job_outcome_not_recorded", reason=type(error).__name__)
            return
        if not recorded:
            log.warning("job_lease_lost")
        elif outcome.error:
            log.warning("job_failed", state=outcome.state, reason=outcome.error)

    async def _run(self, job: ClaimedJob) -> Outcome:
        """Make one attempt at the job, unless it has expired. Every exception becomes an outcome."""
        forget = not self._handlers[job.kind].keep
        if job.expires_at and job.expires_at <= self._clock():
            return self._dead("expired before it could be done", erase_payload=True, forget=forget)
        try:
            await self._call_handler(job)
        except PermanentError as error:
            return self._dead(str(error))
        except TemporaryError as error:
            return self._failed(job, str(error))
        except Exception as error:
            if not is_outage(error):
                logger.exception("job_error", job=str(job.id), kind=job.kind)
            return self._failed(job, type(error).__name__)
        if every := self._handlers[job.kind].every:
            return Outcome("queued", attempts=0, due_at=self._clock() + every)
        return Outcome("done", finished_at=self._clock(), erase_payload=True, forget=forget)

    async def _call_handler(self, job: ClaimedJob) -> None:
        if self._has_spent(job, MAX_ATTEMPTS + 1):
            raise PermanentError("the worker ended during the last attempt")
        try:
            payload = self._secret_key.unseal(job.payload) if job.payload is not None else b""
        except UnsealError:
            raise TemporaryError("sealed with another SECRET_KEY: set SECRET_KEY_PREVIOUS") from None
        limit = asyncio.timeout(self._attempt_seconds)
        try:
            async with limit:
                await self._handlers[job.kind].run(Attempt(job.id, payload, job.created_at))
        except TimeoutError:
            if not limit.expired():  # of a statement, for example
                raise
            raise TemporaryError(f"took longer than {self._attempt_seconds:g} s") from None

    def _failed(self, job: ClaimedJob, reason: str) -> Outcome:
        """Queued again after a delay, or dead after the last attempt."""
        if self._has_spent(job, MAX_ATTEMPTS):
            return self._dead(reason)
        return Outcome("queued", error=_stored(reason), due_at=self._clock() + backoff(job.attempts))

    def _dead(self, reason: str, *, erase_payload: bool = False, forget: bool = False) -> Outcome:
        return Outcome("dead", _stored(reason), finished_at=self._clock(), erase_payload=erase_payload, forget=forget)

    def _has_spent(self, job: ClaimedJob, attempts: int) -> bool:
        """Whether this is at least the given attempt. Scheduled jobs have no last attempt."""
        return job.attempts >= attempts and self._handlers[job.kind].every is None


def backoff(attempts: int) -> timedelta:
    """The delay before the next attempt, after `attempts` failed ones."""
    doublings = min(attempts - 1, MAX_ATTEMPTS)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


def _stored(reason: str) -> str:
    """The reason as it is stored with the job: one line of at most ERROR_MAX characters."""
    return one_line(reason)[:ERROR_MAX]


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
