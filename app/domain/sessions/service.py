"""The rules of sessions: how they start, how long they live, how they end. Only hashes of tokens are stored."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record, subject_of
from app.auth.principal import ANONYMOUS, Principal
from app.auth.tokens import new_session_token, token_hash
from app.domain.resources import Resources
from app.domain.sessions.models import Session
from app.domain.sessions.principal_cache import PrincipalCache
from app.domain.sessions.repository import (
    EndReason,
    SessionEnd,
    SessionRepository,
    read_end,
    read_only_principal,
    read_principals,
)
from app.domain.users.repository import UserRepository
from app.errors import Problem, SubjectNotFound
from app.guards.roles import PLATFORM_ROLES
from app.postgres.base import new_id
from app.postgres.batched_reads import BatchedReads
from app.settings.model import Settings

EXTEND_EVERY = timedelta(hours=1)
# A short idle limit needs more frequent writes, or a session in steady use would expire between two of them.
EXTENSIONS_PER_IDLE_LIMIT = 4
USER_AGENT_MAX = 400


class NewSession(Struct, frozen=True):
    """The row of a session to insert, the session of the same client that it replaces, and how many others may stay."""

    id: UUID
    token_hash: bytes
    method: str
    now: datetime
    ip: str | None
    user_agent: str | None
    idle_expires_at: datetime
    expires_at: datetime
    replaces: UUID | None
    others_max: int

    @property
    def max_age(self) -> int:
        """How long the cookie stays in the client, in seconds: until the absolute limit."""
        return _seconds(self.expires_at - self.now)

    def __repr__(self) -> str:
        return f"NewSession({self.id})"


class StartedSession(Struct, frozen=True):
    """A session just started or renewed: the only moment at which its token is known. `max_age` is in seconds.

    `proved_at` is when its user has proved who they are. Whatever locks the user later is later.
    `principal` is the principal of its first request, if the caller has read it already. `return_to` is the page that
    the request for the redeemed key named, `session_id` a session that `start_session` has
    started.
    """

    token: str
    max_age: int
    proved_at: datetime
    principal: Principal | None = None
    return_to: str | None = None
    session_id: UUID | None = None

    def __repr__(self) -> str:
        return "StartedSession(…)"


class SessionAuthenticator:
    """The `Authenticator` of the middleware, on the table of sessions and the principals kept in memory."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._reads = {detailed: BatchedReads(partial(self._read_all, detailed=detailed)) for detailed in (False, True)}
        self._cache = PrincipalCache(
            resources.database, resources.settings.principal_cache, partial(self._read, detailed=True)
        )
        # By platform role. Here, and not for each request.
        self._extend_every: dict[str | None, timedelta] = {
            role: min(EXTEND_EVERY, _lifetimes(resources.settings, role)[0] / EXTENSIONS_PER_IDLE_LIMIT)
            for role in (None, *PLATFORM_ROLES)
        }

    def recall(self, token: str) -> Principal | None:
        """The principal of a session token, if it is in memory."""
        return self._cache.find(token_hash(token), self._resources.clock())

    async def authenticate(self, token: str, *, detailed: bool = False) -> Principal:
        """The principal of a session token, `ANONYMOUS` if the token has no live session."""
        hashed = token_hash(token)
        if self._cache.enabled:
            return await self._cache.read(hashed)
        return await self._read(hashed, detailed=detailed)

    async def authenticate_among(self, tokens: Sequence[str]) -> tuple[Principal, str | None]:
        """The principal of the one live session that several tokens have, and its token."""
        by_hash = {token_hash(token): token for token in tokens}
        principal, presented = await read_only_principal(self._resources.database, [*by_hash], self._resources.clock())
        return principal, by_hash[presented] if presented else None

    def extend(self, principal: Principal) -> None:
        """Move the idle limit of a session in use, at most hourly, in a background task."""
        session, user = principal.session, principal.user
        if session is None or user is None:
            return
        now = self._resources.clock()
        due = now - self._extend_every[user.platform_role]
        if session.last_seen_at > due:
            return
        idle, _ = _lifetimes(self._resources.settings, user.platform_role)
        idle_expires_at = min(now + idle, session.expires_at)
        self._cache.forget(user.id)
        extension = self._extend(session.id, user.id, due, now, idle_expires_at)
        self._resources.background.start("session_extension_failed", extension)

    def forget_all(self) -> None:
        """Read every principal from the database at its next request."""
        self._cache.clear()

    async def flush(self) -> None:
        """Wait for the extensions under way, and for everything else in the background."""
        await self._resources.background.flush()

    async def _read(self, hashed: bytes, *, detailed: bool) -> Principal:
        return await self._reads[detailed].read(hashed) or ANONYMOUS

    async def _read_all(self, hashes: list[bytes], *, detailed: bool) -> dict[bytes, Principal]:
        return await read_principals(self._resources.database, hashes, self._resources.clock(), detailed=detailed)

    async def _extend(
        self, session_id: UUID, user_id: UUID, due: datetime, now: datetime, idle_expires_at: datetime
    ) -> None:
        async with self._resources.database.transaction() as transaction:
            await UserRepository(transaction).note_seen(user_id, now, after=due)
            await SessionRepository(transaction).extend(
                session_id, seen_before=due, now=now, idle_expires_at=idle_expires_at
            )


def new_session(actor: Actor, resources: Resources, method: str, platform_role: str | None) -> tuple[str, NewSession]:
    """A new token, and the session to store for it; the session in which the actor sent the request is to end.

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
        replaces=actor.session_id,
        others_max=resources.settings.sessions_per_user - 1,
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
    """Start a session with a new token, and end the live sessions whose tokens the actor's request presents.

    Past the setting SESSIONS_PER_USER the oldest sessions of the user end. The caller has locked the user.
    """
    token, new = new_session(actor, resources, method, platform_role)
    sessions = SessionRepository(transaction)
    await end_presented(actor, transaction, "signed_in_again", new.now)
    await sessions.make_room(user_id, new.now, replaced=new.replaces, keep=new.others_max)
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
    return StartedSession(token, new.max_age, new.now, session_id=new.id)


async def end_presented(actor: Actor, transaction: AsyncSession, reason: EndReason, now: datetime) -> None:
    """End the live sessions of all tokens that the actor's request presents, but for the one of its only token.

    The client sends them again: a second live session would make its next requests anonymous.
    """
    if actor.presented:
        hashes = [token_hash(token) for token in set(actor.presented)]
        await SessionRepository(transaction).end_live(hashes, reason, now)


async def renew_session(
    actor: Actor, resources: Resources, transaction: AsyncSession, platform_role: str | None
) -> StartedSession:
    """Give the session of the actor's token a new token and new limits (NIST SP 800-63B-4 section 5.2).

    The old token serves requests that read for `REPLACED_COUNTS_FOR`. Raises `Problem`: `session_replaced` if a
    concurrent request has renewed the session, `not_signed_in` if it has ended.
    """
    token, now = new_session_token(), resources.clock()
    idle, absolute = _lifetimes(resources.settings, platform_role)
    sessions = SessionRepository(transaction)
    replaced = await sessions.replace_token(
        token_hash(actor.token or ""),
        now,
        token_hash=token_hash(token),
        authenticated_at=now,
        last_seen_at=now,
        idle_expires_at=now + idle,
        expires_at=now + absolute,
    )
    if not replaced:
        if await sessions.exists(Session.id == actor.session_id):
            raise Problem("session_replaced", "Send the request again, with the present cookie.")
        raise Problem("not_signed_in", "This session has ended.")
    return StartedSession(token, _seconds(absolute), now)


async def end_current_session(actor: Actor, resources: Resources) -> None:
    """Sign out: end the session in which the actor sent the request, and the live ones of all tokens that it presents.

    The first by its id: a concurrent renewal gives it another token.
    """
    if actor.session_id is None and not actor.presented:
        return
    now = resources.clock()
    async with resources.database.transaction() as transaction:
        if actor.session_id is not None:
            await SessionRepository(transaction).end(actor.session_id, "signed_out", now)
        await end_presented(actor, transaction, "signed_out", now)


async def end_own_session(actor: Actor, resources: Resources, session_id: UUID) -> None:
    """End one of the actor's sessions. One that has ended already stays so. Raises `SubjectNotFound`."""
    user_id = actor.require_user_id()
    async with resources.database.transaction() as transaction:
        sessions = SessionRepository(transaction)
        if await sessions.end_session(session_id, user_id, resources.clock()):
            return
        if not await sessions.has_ended(session_id, user_id):
            raise SubjectNotFound


async def end_other_sessions(actor: Actor, resources: Resources) -> None:
    """End all sessions of the actor except the session of the request, and void all their devices.

    A token that the session of the request has just replaced counts no more either.
    """
    async with resources.database.transaction() as transaction:
        sessions, users = SessionRepository(transaction), UserRepository(transaction)
        user_id = actor.require_user_id()
        await users.lock_active(user_id)
        now = resources.clock()
        await users.void_devices(user_id, now)
        await sessions.end_sessions(user_id, "revoked", now, keep=actor.session_id)
        if actor.session_id is not None:
            await sessions.forget_replaced_token(actor.session_id)


async def end_of_session(resources: Resources, tokens: Sequence[str]) -> SessionEnd | None:
    """How the session of the tokens has ended that an anonymous request presents; None if it is not known."""
    hashes = [token_hash(token) for token in tokens]
    return await read_end(resources.database, hashes, resources.clock()) if hashes else None


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
