"""Jobs of no kind that the service has, and workers for them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from app.jobs.models import Job
from app.jobs.worker import Attempt, Task, Worker
from tests.support.app import RunningApp

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


def worker_of(app: RunningApp, run: Callable[[Attempt], Awaitable[None]], **options: float) -> Worker:
    return Worker(app.resources.database, app.clock, app.resources.secret_key, {KIND: Task(run)}, **options)


async def enqueue(app: RunningApp, **options: timedelta) -> UUID:
    expires_at = app.clock() + options["expires_in"] if options else None
    async with app.resources.database.transaction() as transaction:
        return await app.resources.jobs.enqueue(transaction, KIND, Errand(), expires_at=expires_at)


async def stored(app: RunningApp, job_id: UUID) -> Job:
    async with app.resources.database.transaction() as transaction:
        return await transaction.get_one(Job, job_id)


async def retry(app: RunningApp, *ids: UUID) -> list[UUID]:
    async with app.resources.database.transaction() as transaction:
        return await app.resources.jobs.retry(transaction, ids)
