"""Running jobs at a moment that the test chooses, in place of the worker's own loop."""

import asyncio

from app.jobs.worker import CONCURRENCY, Worker


async def drain(worker: Worker) -> None:
    """Run all jobs that are due, and those that they enqueue, until none is due. The scheduled jobs exist then."""
    await worker._ensure_scheduled()
    while claimed := await worker._claim(CONCURRENCY):
        await asyncio.gather(*map(worker._run_and_record, claimed))
