"""A kind of job that only tests have, and workers that run jobs of this kind."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from app.jobs import queue
from app.jobs.models import Job
from app.jobs.worker import Attempt, JobHandler, Worker
from tests.support.app import RunningApp

KIND = "fake"


class FakePayload(Struct):
    """The payload of fake jobs."""

    text: str = "a secret text"


class FakeHandler:
    """Records the job id of each attempt, and raises the given errors, one for each attempt, before it succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.job_ids: list[UUID] = []

    async def __call__(self, attempt: Attempt) -> None:
        self.job_ids.append(attempt.job_id)
        if self._errors:
            raise self._errors.pop(0)


def fake_worker(app: RunningApp, run: Callable[[Attempt], Awaitable[None]], **options: float) -> Worker:
    """A worker that runs fake jobs with `run`. `options` are those of `Worker`."""
    return Worker(app.resources.database, app.clock, app.resources.secret_key, {KIND: JobHandler(run)}, **options)


async def enqueue(app: RunningApp, expires_in: timedelta | None = None) -> UUID:
    """Enqueue a fake job in its own transaction. Returns its id."""
    expires_at = app.clock() + expires_in if expires_in else None
    async with app.resources.database.transaction() as transaction:
        return await app.resources.jobs.enqueue(transaction, KIND, FakePayload(), expires_at=expires_at)


async def read_job(app: RunningApp, job_id: UUID) -> Job:
    """The row of a job."""
    async with app.resources.database.transaction() as transaction:
        return await transaction.get_one(Job, job_id)


async def retry(app: RunningApp, *ids: UUID) -> list[UUID]:
    """Retry jobs in a transaction of their own. Returns the ids of the jobs that are due."""
    async with app.resources.database.transaction() as transaction:
        return await queue.retry(transaction, ids, app.clock())
