"""Tasks that run after the answer has been sent: writes that no answer depends on."""

import asyncio
from collections.abc import Coroutine

import structlog

from app.postgres.outages import outage_in, reason_of

logger = structlog.get_logger("ostiary.background")


class Background:
    """The tasks under way. One that fails is logged and not repeated."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Start `work`. `name` is the log event of its failure, such as `session_extension_failed`."""
        task = asyncio.get_running_loop().create_task(_logged(name, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def flush(self) -> None:
        """Wait for the tasks under way; called when the app stops."""
        while self._tasks:
            await asyncio.gather(*self._tasks)


async def _logged(name: str, work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception as error:  # nobody awaits this task
        outage = outage_in(error)
        logger.warning(name, reason=reason_of(outage) if outage else "", exc_info=not outage)
