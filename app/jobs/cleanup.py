"""The scheduled clean-up: deletes what has expired, a batch for each transaction."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.jobs.worker import Attempt, Task
from app.postgres.database import Database

KIND = "clean_up"
EVERY = timedelta(hours=1)
BATCH = 1000

# Deletes at most so many rows that have expired by then, and gives their number.
Sweep = Callable[[AsyncSession, datetime, int], Awaitable[int]]

logger = structlog.get_logger("ostiary.cleaning")


def clean_up(database: Database, clock: Clock, sweeps: Sequence[Sweep]) -> Task:
    """The task that runs every sweep until it finds nothing more.

    It is a job, so one worker at a time does it. Cut off in the middle, it keeps what it has done; the next run goes
    on from there.
    """

    async def run(_: Attempt) -> None:
        deleted = [await _sweep(database, sweep, clock()) for sweep in sweeps]
        if any(deleted):
            logger.info("cleaned_up", rows=sum(deleted))

    return Task(run, every=EVERY)


async def _sweep(database: Database, sweep: Sweep, now: datetime) -> int:
    total, batch = 0, BATCH
    while batch == BATCH:
        async with database.transaction() as transaction:
            batch = await sweep(transaction, now, BATCH)
        total += batch
    return total
