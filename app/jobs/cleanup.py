"""The scheduled clean-up: deletes expired rows in batches, each batch in its own transaction."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.jobs.worker import Attempt, JobHandler
from app.postgres.database import Database

KIND = "clean_up"
EVERY = timedelta(hours=1)
BATCH = 1000

# Arguments: a transaction, the current time, a maximum number of rows. Deletes at most so many rows that have expired,
# and returns the number of deleted rows.
Sweep = Callable[[AsyncSession, datetime, int], Awaitable[int]]

logger = structlog.get_logger("ostiary.cleanup")


def cleanup_handler(database: Database, clock: Clock, sweeps: Sequence[Sweep]) -> JobHandler:
    """The handler that repeats each sweep until no expired row is left.

    The clean-up is a scheduled job, so one worker at a time runs it. If an attempt is cut off, the batches that have
    committed stay deleted, and the next attempt deletes the rest.
    """

    async def run(_: Attempt) -> None:
        deleted = [await _sweep_all(database, sweep, clock()) for sweep in sweeps]
        if any(deleted):
            logger.info("cleaned_up", rows=sum(deleted))

    return JobHandler(run, every=EVERY)


async def _sweep_all(database: Database, sweep: Sweep, now: datetime) -> int:
    """Repeat one sweep until it deletes less than a batch. Returns the number of deleted rows."""
    total, batch = 0, BATCH
    while batch == BATCH:
        async with database.transaction() as transaction:
            batch = await sweep(transaction, now, BATCH)
        total += batch
    return total
