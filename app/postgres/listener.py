"""The connection on which a process listens for the notifications of the database (LISTEN and NOTIFY).

Memory that holds rows may be used only while the process hears of their changes. PostgreSQL delivers notifications in
the order of the commits. So when a notification comes back that the process has sent itself, the process has heard of
every change that was committed before. `Listener` sends one twice a second, on the same connection.

A transaction pooler, such as PgBouncer, may let those come back and drop all others. So after each connection one
notification is sent on another connection first.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING

import asyncpg
import structlog

from app.postgres.outages import OUTAGES, DatabaseReadOnlyError, is_outage, reason_of

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

# How old the last proof may be: the longest time for which memory may differ from the database.
CURRENT_SECONDS = 2.0
PROVE_EVERY_SECONDS = 0.5
# An answer that has changed a row waits at most this long until this process has heard of the change.
SETTLE_SECONDS = 1.0
RECONNECT_SECONDS = 1.0
CLOSE_SECONDS = 1.0

# A commit that writes nothing but a notification need not wait for the disk.
NO_WAIT_FOR_DISK = "SET synchronous_commit = off"
NOTIFY = "SELECT pg_notify($1, '')"
PROVE = "SELECT current_setting('transaction_read_only') = 'on' FROM pg_notify($1, '')"
DROPPED = "notifications of other connections do not arrive: DATABASE_POOLER=transaction if a pooler drops them"
# What the loss of notifications means for an operator.
EFFECT = "every request reads the database"

# On Linux this clock also counts the time for which the machine sleeps.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class NotificationsDroppedError(OSError):
    """What is sent on another connection does not arrive."""


logger = structlog.get_logger("ostiary.listener")

# Called with the payload of each notification, and with None when some may have been missed.
OnNotification = Callable[[str | None], None]


def seconds_now() -> float:
    """The present of a clock that only moves forward."""
    return time.clock_gettime(CLOCK)


class Listener:
    """The notifications of one database, for as long as `run` runs."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        notify: Callable[[str], Awaitable[object]],
        now: Callable[[], float] = seconds_now,
    ) -> None:
        """`connect` opens a connection to a server that takes writes; `notify` notifies a channel on another one.

        Both raise outages.
        """
        self._connect = connect
        self._notify = notify
        self._now = now
        self._subscribers: dict[str, list[OnNotification]] = {}
        self._proving: list[OnNotification] = []
        self._proved_at = float("-inf")
        self._doubts = 0
        self._lost = False
        self._own_channel = f"ostiary_{token_hex(8)}"
        self._came_back: asyncio.Future[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()

    def subscribe(self, channel: str, on_notification: OnNotification, *, proves: bool = False) -> None:
        """Call `on_notification` for each notification on `channel`. With `proves`, keep `is_current` true."""
        self._subscribers.setdefault(channel, []).append(on_notification)
        if proves:
            self._proving.append(on_notification)
        self._wake.set()

    def is_current(self) -> bool:
        """Whether the subscribers have heard of every change that is older than `CURRENT_SECONDS`."""
        return self._now() - self._proved_at < CURRENT_SECONDS

    async def settle(self) -> None:
        """Wait until the subscribers have heard of every change that has been committed by now.

        If that takes longer than `SETTLE_SECONDS`, `is_current` is false until a later notification has come back.
        While it is false, the subscribers are told that they may have missed something: a notification may be under
        way that was sent before the changes, and will make it true.
        """
        if not self.is_current():
            for on_notification in self._proving:
                on_notification(None)
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._wake.set()
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await waiting
        except TimeoutError:
            self._doubt()

    async def run(self) -> None:
        """Listen for ever, on a new connection whenever the present one is lost."""
        while True:
            while not self._subscribers:
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._listen()
            except Exception as error:  # also of an engine without LISTEN; nobody would notice the end of this task
                if not self._lost:
                    self._lost = True
                    fault = not is_outage(error)
                    logger.warning("notifications_lost", reason=reason_of(error), effect=EFFECT, exc_info=fault)
            finally:
                self._doubt()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        """Listen until the connection is lost. Raises an outage."""
        connection = await self._connect()
        try:
            connection.add_termination_listener(lambda _: self._wake.set())
            await connection.execute(NO_WAIT_FOR_DISK)
            await connection.add_listener(self._own_channel, self._on_own)
            heard, is_checked = set[str](), False
            while not connection.is_closed():
                self._wake.clear()
                for channel in self._subscribers.keys() - heard:
                    await connection.add_listener(channel, self._on_notification)
                    heard.add(channel)
                    self._tell(channel, None)
                if self._proving and not is_checked:
                    await self._check_delivery()
                    is_checked = True
                if self._proving:
                    await self._prove(connection)
                if self._lost:
                    self._lost = False
                    logger.info("notifications_heard")
                with suppress(TimeoutError):
                    async with asyncio.timeout(PROVE_EVERY_SECONDS if self._proving else None):
                        await self._wake.wait()
            raise ConnectionResetError("the connection that listens was closed")
        finally:
            with suppress(*OUTAGES):
                await connection.close(timeout=CLOSE_SECONDS)

    async def _check_delivery(self) -> None:
        """Wait for a notification of another connection. Raises `NotificationsDroppedError`, or an outage."""
        self._came_back = asyncio.get_running_loop().create_future()
        await self._notify(self._own_channel)
        try:
            async with asyncio.timeout(CURRENT_SECONDS):
                await self._came_back
        except TimeoutError:
            raise NotificationsDroppedError(DROPPED) from None

    async def _prove(self, connection: Connection) -> None:
        """Send a notification, and wait until it comes back. Raises an outage."""
        started, doubts, served = self._now(), self._doubts, len(self._waiting)
        self._came_back = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(CURRENT_SECONDS):
            if await connection.fetchval(PROVE, self._own_channel):
                raise DatabaseReadOnlyError
            await self._came_back
        if doubts == self._doubts:
            self._proved_at = started
        _finish(self._waiting[:served])
        del self._waiting[:served]

    def _on_own(self, *_: object) -> None:
        if self._came_back is not None and not self._came_back.done():
            self._came_back.set_result(None)

    def _on_notification(self, _: object, __: int, channel: str, payload: object) -> None:
        self._tell(channel, str(payload))

    def _tell(self, channel: str, payload: str | None) -> None:
        for on_notification in self._subscribers[channel]:
            on_notification(payload)

    def _doubt(self) -> None:
        """Let nothing count as proof that was sent before now."""
        self._proved_at = float("-inf")
        self._doubts += 1
        _finish(self._waiting)
        self._waiting.clear()


def _finish(waiting: list[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)
