"""Change events: clients with an open stream are told that their session, or what it says, has changed.

The database notifies each process of changes (`app/postgres/listener.py`). A stream holds no events: it notes that
something may have changed, and then reads its principal again. So a client that reads nothing takes no memory.
"""

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from app.auth.principal import Principal
from app.domain.resources import Resources
from app.domain.sessions.service import SessionAuthenticator, end_of_session
from app.errors import Problem
from app.postgres.kept_rows import CHANNEL, EVERYTHING
from app.postgres.outages import outage_in

STREAMS_PER_USER = 5
# A stream reads its principal again at most so often: changes that come together are one event.
PAUSE_SECONDS = 0.1
# After a change that concerns everybody, not all streams read at once.
READS_AT_ONCE = 4
RETRY_SECONDS = 2
RETRY_AFTER_SECONDS = 30

# The fields of server-sent events (WHATWG HTML, section 9.2). The first event tells the client that events reach it: a
# proxy can pass on the head and hold the rest back.
OPENED = f"retry: {1000 * RETRY_SECONDS}\nevent: listening\ndata: {{}}\n\n".encode()
HEARTBEAT = b":\n\n"
RULES = b"event: rules\ndata: {}\n\n"


def ended_event(reason: str) -> bytes:
    """The event that tells why the session has ended."""
    return b"event: ended\ndata: " + msgspec.json.encode({"reason": reason}) + b"\n\n"


def offers_events(resources: Resources) -> bool:
    """Whether clients can open streams: not where a process keeps nothing in memory, because it hears of no changes."""
    return resources.settings.event_streams_max > 0 and resources.kept_rows.enabled


class ChangeEvents:
    """The open streams of this process."""

    def __init__(self, resources: Resources, sessions: SessionAuthenticator) -> None:
        self.resources = resources
        self.sessions = sessions
        self.reads = asyncio.Semaphore(READS_AT_ONCE)
        self.closed = False
        # By the notification of a change of the user.
        self._by_user: dict[str, set[ChangeStream]] = {}
        self._count = 0
        self._offered = offers_events(resources)
        if self._offered:
            # After the memory of principals has subscribed, which so drops a principal before a stream reads it.
            resources.database.listener.subscribe(CHANNEL, self._on_notification, proves=True)

    def __len__(self) -> int:
        return self._count

    def open(self, principal: Principal, token: str) -> "ChangeStream":
        """A stream for the session of this token, which `close` of the stream must end.

        Raises `Problem`: `not_found` if no streams are offered, `not_signed_in` without a session,
        `too_many_requests` past `STREAMS_PER_USER`, and `temporarily_unavailable` past EVENT_STREAMS_MAX.
        """
        if not self._offered:
            raise Problem("not_found", "This service offers no change events, as GET /api/config says.")
        if principal.user is None or principal.session is None:
            raise Problem("not_signed_in")
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        about = f"user {principal.user.id}"
        of_user = self._by_user.get(about, set())
        if len(of_user) >= STREAMS_PER_USER:
            detail = f"A user has at most {STREAMS_PER_USER} streams of events."
            raise Problem("too_many_requests", detail, headers=headers, reason="event_streams_per_user")
        if self.closed or self._count >= self.resources.settings.event_streams_max:
            detail = "Too many streams of events."
            raise Problem("temporarily_unavailable", detail, headers=headers, reason="event_streams_max")
        stream = ChangeStream(self, principal, about, token)
        of_user.add(stream)
        self._by_user[about] = of_user
        self._count += 1
        return stream

    def release(self, about: str, stream: "ChangeStream") -> None:
        """Count the stream of the user no longer whom the notification `about` names."""
        of_user = self._by_user[about]
        of_user.remove(stream)
        self._count -= 1
        if not of_user:
            del self._by_user[about]

    def close(self) -> None:
        """End all streams, and open no others: the process stops."""
        self.closed = True
        self._wake_all()

    def _on_notification(self, change: str | None) -> None:
        kind, _, id_ = (change or EVERYTHING).partition(" ")
        if kind == "user":
            for stream in self._by_user.get(change or "", ()):
                stream.wake()
        elif kind == "language":
            for stream in self._streams():
                if stream.shows_language(id_):
                    stream.wake()
        else:
            self._wake_all()

    def _wake_all(self) -> None:
        for stream in self._streams():
            stream.wake()

    def _streams(self) -> list["ChangeStream"]:
        return [stream for of_user in self._by_user.values() for stream in of_user]


class ChangeStream:
    """The events of one session, for one client."""

    def __init__(self, events: ChangeEvents, principal: Principal, about: str, token: str) -> None:
        self._events = events
        self._principal = principal
        self._about = about
        self._token = token
        self._ended = False
        self._woken = asyncio.Event()
        # What has changed since the request was authenticated would be told to nobody.
        self._woken.set()

    def wake(self) -> None:
        """Read the principal again."""
        self._woken.set()

    def shows_language(self, code: str) -> bool:
        """Whether the description of the session names the language."""
        return any(membership.language == code for membership in self._principal.memberships)

    def close(self) -> None:
        """Give the place of the stream to another one."""
        self._events.release(self._about, self)

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """The text of the stream in its parts, until the session ends or the process stops."""
        heartbeat_seconds = self._events.resources.settings.event_heartbeat_seconds
        yield OPENED
        while not self._events.closed:
            try:
                async with asyncio.timeout(min(heartbeat_seconds, self._seconds_left())):
                    await self._woken.wait()
            except TimeoutError:
                if self._seconds_left() > 0:
                    yield HEARTBEAT
                    continue
            message = await self._news()
            if message is not None:
                yield message
            if self._ended:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _news(self) -> bytes | None:
        """The event that tells what has changed; None if nothing has that the client sees, or in an outage."""
        if self._events.closed:
            return None
        self._woken.clear()
        try:
            return await self._read()
        except Exception as error:
            if outage_in(error) is None:
                raise
            await asyncio.sleep(RETRY_SECONDS)
            self._woken.set()
            return None

    async def _read(self) -> bytes | None:
        sessions = self._events.sessions
        principal = sessions.recall(self._token)
        if principal is None:
            async with self._events.reads:
                principal = await sessions.authenticate(self._token, detailed=True)
        if principal.session is None:
            end = await end_of_session(self._events.resources, [self._token])
            self._ended = True
            # No reason is known of a token that the session has replaced a while ago, and of a row that SQL deleted.
            # The client opens the stream again, and learns whether anybody is signed in.
            return ended_event(end.reason) if end else None
        before, self._principal = self._principal, principal
        # The client opens the next stream with the present cookie.
        self._ended = principal.replaced
        return RULES if principal.replaced or _shown(before) != _shown(principal) else None

    def _seconds_left(self) -> float:
        """The time until the first limit of the session, as this process knows it."""
        session, now = self._principal.session, self._events.resources.clock()
        return (min(session.idle_expires_at, session.expires_at) - now).total_seconds() if session else 0


def _shown(principal: Principal) -> object:
    """What `GET /api/session` shows of the principal, without the times of use."""
    session = principal.session
    return (
        principal.user, principal.memberships, principal.details,
        (session.id, session.authenticated_at, session.expires_at) if session else None,
    )  # fmt: skip
