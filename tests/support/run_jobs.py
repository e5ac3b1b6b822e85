"""Running jobs at a moment that the test chooses, in place of the worker's own loop."""

import asyncio
from datetime import timedelta

from app.jobs import queue
from app.jobs.worker import CONCURRENCY, LEASE, Worker


async def drain(worker: Worker, within: timedelta = timedelta()) -> None:
    """Run all jobs that are due, or become due `within` a time, and those that they enqueue, until there is none.

    The scheduled jobs exist then.
    """
    await worker._ensure_scheduled()
    due = worker._clock() + within
    while claimed := await queue.claim(
        worker._database, worker._handlers, now=due, leased_until=due + LEASE, limit=CONCURRENCY
    ):
        await asyncio.gather(*map(worker._run_and_record, claimed))
