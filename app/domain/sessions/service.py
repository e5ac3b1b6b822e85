"""The rules of sessions: how they start, how long they live, how they end. Only hashes of tokens are stored."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record, subject_of
from app.auth.principal import Principal
from app.auth.tokens import new_session_token, token_hash
from app.domain.resources import Resources
from app.domain.sessions.models import Session
from app.domain.sessions.repository import SessionRepository, read_principal
from app.domain.sessions.who_am_i import encode_with_etag, who_am_i
from app.domain.users.repository import UserRepository
from app.errors import Problem, SubjectNotFound
from app.guards.policy import ability_for
from app.postgres.base import new_id
from app.postgres.outages import outage_in, reason_of
from app.settings.model import Settings

EXTEND_EVERY = timedelta(hours=1)
# A short idle limit needs more frequent writes, or a session in steady use would expire between two of them.
EXTENSIONS_PER_IDLE_LIMIT = 4
USER_AGENT_MAX = 400

logger = structlog.get_logger("ostiary.sessions")


class NewSession(Struct, frozen=True):
    """The row of a session to insert, and the hash of the token whose session it replaces."""

    id: UUID
    token_hash: bytes
    method: str
    now: datetime
    ip: str | None
    user_agent: str | None
    idle_expires_at: datetime
    expires_at: datetime
    replaces: bytes | None

    def __repr__(self) -> str:
        return f"NewSession({self.id})"


class StartedSession(Struct, frozen=True):
    """A session just started or renewed: the only moment at which its token is known. `max_age` is in seconds.

    `principal` is the principal of its first request, if the caller has read it already.
    """

    token: str
    max_age: int
    principal: Principal | None = None

    def __repr__(self) -> str:
        return "StartedSession(…)"


class SessionAuthenticator:
    """The `Authenticator` of the middleware, on the table of sessions."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._extensions: set[asyncio.Task[None]] = set()

    async def authenticate(self, token: str) -> Principal:
        """The principal of a session token, `ANONYMOUS` if the token has no live session."""
        return await read_principal(self._resources.database, token_hash(token), self._resources.clock())

    def extend(self, principal: Principal) -> int | None:
        """Move the idle limit of a session in use, at most hourly, in a background task.

        Returns the new Max-Age of the cookie in seconds, or None if no extension is due.
        """
        session, user = principal.session, principal.user
        if session is None or user is None:
            return None
        now = self._resources.clock()
        idle, _ = _lifetimes(self._resources.settings, user.platform_role)
        due = now - min(EXTEND_EVERY, idle / EXTENSIONS_PER_IDLE_LIMIT)
        if session.last_seen_at > due:
            return None
        idle_expires_at = min(now + idle, session.expires_at)
        task = asyncio.get_running_loop().create_task(self._extend(session.id, user.id, due, now, idle_expires_at))
        self._extensions.add(task)
        task.add_done_callback(self._extensions.discard)
        return _seconds(idle_expires_at - now)

    async def flush(self) -> None:
        """Wait for the extensions under way; called when the app stops."""
        await asyncio.gather(*self._extensions)

    async def _extend(
        self, session_id: UUID, user_id: UUID, due: datetime, now: datetime, idle_expires_at: datetime
    ) -> None:
        try:
            async with self._resources.database.transaction() as transaction:
                await UserRepository(transaction).note_seen(user_id, now, after=due)
                await SessionRepository(transaction).extend(
                    session_id, seen_before=due, now=now, idle_expires_at=idle_expires_at
                )
        except Exception as error:  # nobody awaits this task, and the next request tries again
            outage = outage_in(error)
            logger.warning("session_extension_failed", reason=reason_of(outage) if outage else "", exc_info=not outage)


def new_session(actor: Actor, resources: Resources, method: str, platform_role: str | None) -> tuple[str, NewSession]:
    """A new token, and the session to store for it; the session whose token the actor presented is to end.

    The token is always made here. A token that the client chose is never adopted (session fixation).
    """
    token, now = new_session_token(), resources.clock()
    idle, absolute = _lifetimes(resources.settings, platform_role)
    return token, NewSession(
        id=new_id(),
        token_hash=token_hash(token),
        method=method,
        now=now,
        ip=actor.ip,
        user_agent=actor.user_agent[:USER_AGENT_MAX] if actor.user_agent else None,
        idle_expires_at=now + idle,
        expires_at=now + absolute,
        replaces=token_hash(actor.token) if actor.token else None,
    )


async def start_session(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    *,
    user_id: UUID,
    platform_role: str | None,
    method: str,
) -> StartedSession:
    """Start a session with a new token, and end the session whose token the actor presented."""
    token, new = new_session(actor, resources, method, platform_role)
    sessions = SessionRepository(transaction)
    if new.replaces is not None:
        await sessions.end_session_of_token(new.replaces)
    await sessions.insert(
        id=new.id,
        token_hash=new.token_hash,
        user_id=user_id,
        method=method,
        created_at=new.now,
        authenticated_at=new.now,
        last_seen_at=new.now,
        idle_expires_at=new.idle_expires_at,
        expires_at=new.expires_at,
        ip=new.ip,
        user_agent=new.user_agent,
    )
    await UserRepository(transaction).note_seen(user_id, new.now)
    user = Actor(user_id, new.id, new.ip)
    await record(user, transaction, "session.start", subject_of("user", user_id), detail={"method": method})
    return StartedSession(token, _seconds(new.idle_expires_at - new.now))


async def renew_session(
    actor: Actor, resources: Resources, transaction: AsyncSession, platform_role: str | None
) -> StartedSession:
    """Give the session of the actor's token a new token and new limits (NIST SP 800-63B-4 section 5.2).

    The old token stops working. Raises `Problem` `not_signed_in` if the session has ended meanwhile.
    """
    token, now = new_session_token(), resources.clock()
    idle, absolute = _lifetimes(resources.settings, platform_role)
    replaced = await SessionRepository(transaction).replace_token(
        token_hash(actor.token or ""),
        token_hash=token_hash(token),
        authenticated_at=now,
        last_seen_at=now,
        idle_expires_at=now + idle,
        expires_at=now + absolute,
    )
    if not replaced:
        raise Problem("not_signed_in", "This session has ended.")
    return StartedSession(token, _seconds(idle))


async def describe_session(resources: Resources, started: StartedSession) -> tuple[bytes, dict[str, str]]:
    """The encoded `WhoAmI` of a session just started or renewed, and the headers that hand its token to the client."""
    principal = started.principal or await read_principal(
        resources.database, token_hash(started.token), resources.clock()
    )
    required_fields = resources.settings.required_profile_fields
    body, etag = encode_with_etag(who_am_i(principal, ability_for(principal), required_fields))
    cookie = resources.cookie.set_cookie(started.token, started.max_age)
    return body, {"Set-Cookie": cookie, "Location": "/api/session", "ETag": etag}


async def end_current_session(actor: Actor, resources: Resources) -> None:
    """Sign out: delete the session of the actor's token, if there is one."""
    if actor.token is not None:
        async with resources.database.transaction() as transaction:
            await SessionRepository(transaction).end_session_of_token(token_hash(actor.token))


async def end_own_session(actor: Actor, resources: Resources, session_id: UUID) -> None:
    """End one of the actor's sessions. Raises `SubjectNotFound`."""
    async with resources.database.transaction() as transaction:
        if not await SessionRepository(transaction).end_session(session_id, actor.require_user_id()):
            raise SubjectNotFound


async def end_other_sessions(actor: Actor, resources: Resources) -> None:
    """End all sessions of the actor except the session of the request."""
    async with resources.database.transaction() as transaction:
        await UserRepository(transaction).lock_active(actor.require_user_id())
        await SessionRepository(transaction).end_sessions(actor.require_user_id(), keep=actor.session_id)


async def list_sessions(resources: Resources, user_id: UUID, after: UUID | None, limit: int) -> list[Session]:
    """The user's live sessions, oldest first, after the given id."""
    async with resources.database.transaction() as transaction:
        return await SessionRepository(transaction).page(user_id, resources.clock(), after, limit)


def _lifetimes(settings: Settings, platform_role: str | None) -> tuple[timedelta, timedelta]:
    """The idle and the absolute lifetime of a session, by the platform role of its user."""
    if platform_role is None:
        seconds = settings.session_idle_seconds, settings.session_absolute_seconds
    else:
        seconds = settings.admin_session_idle_seconds, settings.admin_session_absolute_seconds
    return timedelta(seconds=seconds[0]), timedelta(seconds=seconds[1])


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
