"""A service that sends its mail to a server of the test's own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from tests.support.app import RunningApp

FROM = "Lamp House <no-reply@lamps.example.org>"
TO = "grace@example.org"

Sending = Callable[..., AbstractAsyncContextManager[RunningApp]]


async def enqueue(app: RunningApp, to: str = TO, expires_at: datetime | None = None) -> None:
    """Give a mail to the queue."""
    async with app.resources.database.transaction() as transaction:
        await app.resources.mail.enqueue(
            transaction, to=to, template="secret_changed", values={}, expires_at=expires_at
        )


async def states(app: RunningApp) -> list[tuple[str, int]]:
    """State and attempts of each mail."""
    rows = await app.resources.database.pool.fetch("SELECT state, attempts FROM jobs WHERE kind = 'mail' ORDER BY id")
    return [(row["state"], row["attempts"]) for row in rows]
