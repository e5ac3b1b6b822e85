"""The rules of sessions: how they start, how long they live, how they end."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Ability
from app.audit import Actor, record, subject_of
from app.auth.principal import Principal
from app.auth.tokens import new_session_token, token_hash
from app.clock import Clock
from app.domain.sessions.models import Session
from app.domain.sessions.repository import SessionRepository, read_principal
from app.domain.sessions.schemas import Client, NewSession, StartedSession, WhoAmI
from app.domain.sessions.view import who_am_i
from app.domain.users import access
from app.domain.users.repository import UserRepository
from app.postgres.base import new_id
from app.postgres.database import Database
from app.settings.model import Settings

EXTEND_EVERY = timedelta(hours=1)
# A short idle limit needs more frequent writes, or a session in steady use would die between two of them.
EXTENSIONS_PER_IDLE_LIMIT = 4
USER_AGENT_MAX = 400

logger = structlog.get_logger("ostiary.sessions")


async def end_sessions(transaction: AsyncSession, user_id: UUID) -> None:
    """End every session of the user, in the caller's transaction."""
    await SessionRepository(session=transaction).revoke_all_but(user_id, None)


class SessionService:
    """Sessions in the database; implements `Authenticator`. Only hashes of tokens are stored."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._extensions: set[asyncio.Task[None]] = set()

    async def authenticate(self, token: str) -> Principal:
        """The principal of a session token, `ANONYMOUS` where it has none."""
        return await read_principal(self._database, token_hash(token), self._clock())

    def extend(self, principal: Principal) -> int | None:
        """Move the idle limit of a session in use, at most hourly and after the answer.

        Gives the new Max-Age in seconds for the cookie, or None where nothing is due.
        """
        session, user = principal.session, principal.user
        if session is None or user is None:
            return None
        now = self._clock()
        idle, _ = self._limits(user.platform_role)
        due = now - min(EXTEND_EVERY, idle / EXTENSIONS_PER_IDLE_LIMIT)
        if session.last_seen_at > due:
            return None
        idle_expires_at = min(now + idle, session.expires_at)
        task = asyncio.get_running_loop().create_task(self._touch(session.id, user.id, due, now, idle_expires_at))
        self._extensions.add(task)
        task.add_done_callback(self._extensions.discard)
        return _seconds(idle_expires_at - now)

    async def settle(self) -> None:
        """Wait for the extensions under way; called when the app stops."""
        await asyncio.gather(*self._extensions)

    def describe(self, principal: Principal, ability: Ability) -> WhoAmI:
        """What the principal may see of itself."""
        return who_am_i(principal, ability, self._settings.required_profile_fields)

    def draft(self, method: str, client: Client, replaces: str | None) -> tuple[str, NewSession]:
        """A new token, and the session to store for it in place of the one that the client presents.

        The token is always made here: one that the client chose is never adopted (session fixation).
        """
        token, now = new_session_token(), self._clock()
        client = Client(client.ip, client.user_agent[:USER_AGENT_MAX] if client.user_agent else None)
        limits, admin_limits = ((now + idle, now + absolute) for idle, absolute in map(self._limits, (None, "admin")))
        return token, NewSession(
            id=new_id(),
            token_hash=token_hash(token),
            method=method,
            now=now,
            client=client,
            replaces=token_hash(replaces) if replaces else None,
            limits=limits,
            admin_limits=admin_limits,
        )

    async def start(
        self,
        transaction: AsyncSession,
        *,
        user_id: UUID,
        platform_role: str | None,
        method: str,
        client: Client,
        replaces: str | None,
    ) -> StartedSession:
        """Make a session with a new token, and end the one whose token the client presents."""
        token, new = self.draft(method, client, replaces)
        sessions = SessionRepository(session=transaction)
        if new.replaces is not None:
            await sessions.revoke(new.replaces)
        times = self._times(platform_role, new.now)
        await sessions.start(
            id=new.id,
            token_hash=new.token_hash,
            user_id=user_id,
            method=method,
            created_at=new.now,
            ip=new.client.ip,
            user_agent=new.client.user_agent,
            **times,
        )
        await UserRepository(session=transaction).note_seen(user_id, new.now)
        actor = Actor(user_id, new.id, new.client.ip)
        await record(transaction, "session.start", subject_of("user", user_id), actor=actor, detail={"method": method})
        return StartedSession(token, _seconds(times["idle_expires_at"] - new.now))

    async def renew(self, transaction: AsyncSession, *, token: str, platform_role: str | None) -> StartedSession | None:
        """Give the session of `token` a new token and new limits (NIST SP 800-63B-4 section 5.2); the old one is dead.

        None where the session has ended meanwhile.
        """
        new, now = new_session_token(), self._clock()
        times = self._times(platform_role, now)
        sessions = SessionRepository(session=transaction)
        if not await sessions.rotate(token_hash(token), token_hash=token_hash(new), **times):
            return None
        return StartedSession(new, _seconds(times["idle_expires_at"] - now))

    async def end(self, token: str) -> None:
        """Sign out: the session is gone from the database."""
        async with self._database.transaction() as transaction:
            await SessionRepository(session=transaction).revoke(token_hash(token))

    async def end_one(self, session_id: UUID, user_id: UUID) -> bool:
        """End one of the user's own sessions; False where they have no such session."""
        async with self._database.transaction() as transaction:
            return await SessionRepository(session=transaction).revoke_one(session_id, user_id)

    async def end_others(self, user_id: UUID, kept: UUID) -> None:
        """End all sessions of the user but one."""
        async with self._database.transaction() as transaction:
            await UserRepository(session=transaction).lock_active(user_id)
            await SessionRepository(session=transaction).revoke_all_but(user_id, kept)

    async def end_all(self, user_id: UUID, *, actor: UUID) -> bool:
        """End all sessions of a user; False where there is no such user. Raises `Problem` `forbidden`."""
        async with self._database.transaction() as transaction:
            await access.require(transaction, actor, "administer", user_id)
            if not await UserRepository(session=transaction).hold(user_id):
                return False
            await SessionRepository(session=transaction).revoke_all_but(user_id, None)
            await record(transaction, "session.end_all", subject_of("user", user_id))
            return True

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Session]:
        """The user's live sessions, oldest first, from after the given id."""
        async with self._database.transaction() as transaction:
            return await SessionRepository(session=transaction).page(user_id, self._clock(), after, limit)

    def _limits(self, platform_role: str | None) -> tuple[timedelta, timedelta]:
        settings = self._settings
        if platform_role is None:
            seconds = settings.session_idle_seconds, settings.session_absolute_seconds
        else:
            seconds = settings.admin_session_idle_seconds, settings.admin_session_absolute_seconds
        return timedelta(seconds=seconds[0]), timedelta(seconds=seconds[1])

    def _times(self, platform_role: str | None, now: datetime) -> dict[str, datetime]:
        idle, absolute = self._limits(platform_role)
        return {
            "authenticated_at": now,
            "last_seen_at": now,
            "idle_expires_at": now + idle,
            "expires_at": now + absolute,
        }

    async def _touch(
        self, session_id: UUID, user_id: UUID, due: datetime, now: datetime, idle_expires_at: datetime
    ) -> None:
        try:
            async with self._database.transaction() as transaction:
                await UserRepository(session=transaction).note_seen(user_id, now, after=due)
                await SessionRepository(session=transaction).touch(
                    session_id, seen_before=due, now=now, idle_expires_at=idle_expires_at
                )
        except Exception:  # nobody awaits this; the next request tries again
            logger.warning("session_extension_failed", exc_info=True)


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
