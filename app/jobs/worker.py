"""The worker: takes due jobs and runs them, a few at a time, until it is told to stop."""

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
from app.jobs import queue as jobs
from app.jobs.queue import Claimed, Outcome
from app.postgres.database import Database
from app.secret_key import SecretKey, UnsealError
from app.text import one_line

CONCURRENCY = 4
POLL_SECONDS = 5.0
# Between the starts of two jobs: the requests that the same process serves go first.
START_SECONDS = 0.014
STOP_SECONDS = 5.0
# An attempt is cut off after ATTEMPT_SECONDS, and nobody else takes the job before LEASE has passed: the difference is
# how far apart the clocks of two machines may be.
ATTEMPT_SECONDS = 30.0
LEASE = timedelta(seconds=90)
# The delays double from FIRST_DELAY up to LONGEST_DELAY; together they last a day.
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=1)
MAX_ATTEMPTS = 34
ERROR_MAX = 200

DATABASE_ERRORS = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)

logger = structlog.get_logger("ostiary.jobs")


class TemporaryError(Exception):
    """The attempt failed for a reason that may pass. The message is kept with the job: no secret in it."""


class PermanentError(Exception):
    """The job can never succeed and is dead at once. The message is kept with the job: no secret in it."""


class Attempt(Struct, frozen=True):
    """One try at a job. `id` and `created_at` are the same at every try."""

    id: UUID
    payload: bytes
    created_at: datetime


class Task(Struct, frozen=True):
    """What the jobs of a kind do.

    `run` is tried again after any exception but `PermanentError`, and may be tried again although it succeeded: where
    the worker is killed before that is recorded. With `every` the kind is scheduled: it has one job, without payload.
    """

    run: Callable[[Attempt], Awaitable[None]]
    every: timedelta | None = None


class Worker:
    """Runs jobs. Several may work on one database: a job is with one of them at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        secret_key: SecretKey,
        tasks: Mapping[str, Task],
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._secret_key = secret_key
        self._tasks = tasks
        self._attempt_seconds = attempt_seconds
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work while the context lasts.

        At its end, running jobs have STOP_SECONDS to finish. One that is cut off is taken up again by another worker
        once its lease has passed.
        """
        working = [asyncio.create_task(self._work()), asyncio.create_task(self._listen())]
        try:
            yield
        finally:
            await _cancel(working)
            if self._running:
                await asyncio.wait(self._running, timeout=STOP_SECONDS)
            await _cancel(list(self._running))

    async def drain(self) -> None:
        """Run what is due now, and what that makes due, until nothing is."""
        await self._schedule()
        while claimed := await self._claim(CONCURRENCY):
            await asyncio.gather(*map(self._attempt, claimed))

    async def _work(self) -> None:
        scheduled = False
        while True:
            self._wake.clear()
            try:
                if not scheduled:
                    await self._schedule()
                    scheduled = True
                while len(self._running) < CONCURRENCY and (claimed := await self._claim(1)):
                    self._start(*claimed)
                    await asyncio.sleep(START_SECONDS)
            except DATABASE_ERRORS as error:
                logger.warning("jobs_unavailable", reason=type(error).__name__)
            except Exception:  # nobody awaits this, and without it no job of this process would ever run again
                logger.exception("jobs_failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):  # wait_for can swallow the cancellation (Python 3.11)
                    await self._wake.wait()

    async def _listen(self) -> None:
        while True:
            with suppress(*DATABASE_ERRORS):
                await self._database.listen(jobs.CHANNEL, self._wake.set)
            await asyncio.sleep(POLL_SECONDS)

    def _start(self, job: Claimed) -> None:
        attempt = asyncio.create_task(self._attempt(job))
        self._running.add(attempt)
        attempt.add_done_callback(self._ended)

    def _ended(self, attempt: asyncio.Task[None]) -> None:
        self._running.discard(attempt)
        self._wake.set()

    async def _schedule(self) -> None:
        async with self._database.transaction() as transaction:
            for kind, task in self._tasks.items():
                if task.every:
                    await jobs.schedule(transaction, kind, self._clock())

    async def _claim(self, limit: int) -> list[Claimed]:
        now = self._clock()
        return await jobs.claim(self._database, self._tasks, now=now, leased_until=now + LEASE, limit=limit)

    async def _attempt(self, job: Claimed) -> None:
        outcome = await self._outcome(job)
        log = logger.bind(job=str(job.id), kind=job.kind, attempt=job.attempts)
        try:
            settled = await jobs.settle(self._database, job, outcome)
        except DATABASE_ERRORS as error:
            log.warning("job_not_settled", reason=type(error).__name__)
            return
        if not settled:
            log.warning("job_lease_lost")
        elif outcome.error:
            log.warning("job_failed", state=outcome.state, reason=outcome.error)

    async def _outcome(self, job: Claimed) -> Outcome:
        """Run the job once; gives what became of it."""
        if job.expires_at and job.expires_at <= self._clock():
            return self._dead("expired before it could be done", erase_payload=True)
        try:
            await self._run(job)
        except PermanentError as error:
            return self._dead(str(error))
        except TemporaryError as error:
            return self._again(job, str(error))
        except Exception as error:
            logger.exception("job_error", job=str(job.id), kind=job.kind)
            return self._again(job, type(error).__name__)
        if every := self._tasks[job.kind].every:
            return Outcome("queued", attempts=0, due_at=self._clock() + every)
        return Outcome("done", finished_at=self._clock(), erase_payload=True)

    async def _run(self, job: Claimed) -> None:
        if self._is_spent(job, MAX_ATTEMPTS + 1):
            raise PermanentError("the worker ended during the last attempt")
        try:
            payload = self._secret_key.unseal(job.payload) if job.payload is not None else b""
        except UnsealError:
            raise TemporaryError("sealed with another SECRET_KEY: set SECRET_KEY_PREVIOUS") from None
        try:
            async with asyncio.timeout(self._attempt_seconds):
                await self._tasks[job.kind].run(Attempt(job.id, payload, job.created_at))
        except TimeoutError:
            raise TemporaryError(f"took longer than {self._attempt_seconds:g} s") from None

    def _again(self, job: Claimed, reason: str) -> Outcome:
        if self._is_spent(job, MAX_ATTEMPTS):
            return self._dead(reason)
        return Outcome("queued", error=_reason(reason), due_at=self._clock() + backoff(job.attempts))

    def _dead(self, reason: str, *, erase_payload: bool = False) -> Outcome:
        return Outcome("dead", error=_reason(reason), finished_at=self._clock(), erase_payload=erase_payload)

    def _is_spent(self, job: Claimed, limit: int) -> bool:
        return job.attempts >= limit and self._tasks[job.kind].every is None


def backoff(attempts: int) -> timedelta:
    """How long a job waits after so many failed attempts."""
    doublings = min(attempts - 1, MAX_ATTEMPTS)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


def _reason(message: str) -> str:
    return one_line(message)[:ERROR_MAX]


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
