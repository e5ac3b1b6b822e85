"""All SQL on sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import ANONYMOUS, Membership, Principal, PrincipalSession, PrincipalUser
from app.domain.sessions.models import Session
from app.postgres.base import table_of
from app.postgres.database import Database

# A membership travels as "code role role": neither holds a space.
USER_COLUMNS = """
       u.id, u.email, u.name, u.phone, u.platform_role, u.onboarded_at,
       (SELECT array_agg(m.language_code || array_to_string(ARRAY[''] || m.roles, ' ') ORDER BY m.language_code)
          FROM language_members m WHERE m.user_id = u.id)
"""
PRINCIPAL_COLUMNS = f"""
       s.id, s.method, s.created_at, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at,
       {USER_COLUMNS}
"""
# Session, user and memberships in one statement.
AUTHENTICATE = f"""
SELECT {PRINCIPAL_COLUMNS}
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.token_hash = $1 AND s.idle_expires_at > $2 AND s.expires_at > $2 AND u.status = 'active'
"""  # noqa: S608 # joined from constants
FIND_BY_USER = f"SELECT {USER_COLUMNS}, u.status FROM users u WHERE u.id = $1"  # noqa: S608 # joined from constants
FIND_USER_BY_ADDRESS = "SELECT user_id FROM keys WHERE kind = 'primary' AND provider = 'email' AND identifier = $1"

START = insert(table_of(Session))


async def read_principal(database: Database, token_hash: bytes, now: datetime) -> Principal:
    """The principal of a live session of an active user, else `ANONYMOUS`: one prepared statement, no ORM."""
    row = await database.pool.fetchrow(AUTHENTICATE, token_hash, now)
    return principal_of(row) if row else ANONYMOUS


def principal_of(row: asyncpg.Record) -> Principal:
    """The principal of a row of `PRINCIPAL_COLUMNS`."""
    values = tuple(row)
    return Principal(
        user=PrincipalUser(*values[7:13]),
        session=PrincipalSession(*values[:7]),
        memberships=_memberships(values[13]),
    )


async def find_principal(database: Database, user_id: UUID) -> Principal | None:
    """Who this user would be in a request of theirs, without its session; None where there is no such user.

    A suspended user is `ANONYMOUS`: no credential of theirs is taken.
    """
    row = await database.pool.fetchrow(FIND_BY_USER, user_id)
    if row is None:
        return None
    *columns, memberships, status = tuple(row)
    return (
        Principal(PrincipalUser(*columns), memberships=_memberships(memberships)) if status == "active" else ANONYMOUS
    )


async def find_user_id(database: Database, address: str) -> UUID | None:
    """The user whose primary key this normalised address is."""
    user_id: UUID | None = await database.pool.fetchval(FIND_USER_BY_ADDRESS, address)
    return user_id


def _memberships(packed: Sequence[str] | None) -> tuple[Membership, ...]:
    return tuple([_membership(item) for item in packed or ()])


def _membership(packed: str) -> Membership:
    code, *roles = packed.split(" ")
    return Membership(code, tuple(roles))


async def delete_expired(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` sessions that have expired; gives their number."""
    # The idle limit is never after the absolute one, so it alone decides, and has the index.
    expired = select(Session.id).where(Session.idle_expires_at <= now).limit(limit)
    deleted = await transaction.execute(delete(Session).where(Session.id.in_(expired)).returning(Session.id))
    return len(deleted.all())


class SessionRepository(SQLAlchemyAsyncRepository[Session]):
    """Sessions. Bound to the session of one transaction."""

    model_type = Session

    async def start(self, **columns: object) -> None:
        """Insert a session."""
        await self.session.execute(START, columns)

    async def touch(self, session_id: UUID, *, seen_before: datetime, now: datetime, idle_expires_at: datetime) -> None:
        """Move the idle limit, unless a request beside this one has just done so."""
        await self.session.execute(
            update(Session)
            .where(Session.id == session_id, Session.last_seen_at <= seen_before, Session.expires_at > now)
            .values(last_seen_at=now, idle_expires_at=func.least(idle_expires_at, Session.expires_at))
        )

    async def rotate(self, old_hash: bytes, **columns: object) -> bool:
        """Replace a session's token and times; False where the old token is no longer a session's."""
        statement = update(Session).where(Session.token_hash == old_hash).values(**columns).returning(Session.id)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def revoke(self, token_hash: bytes) -> None:
        """End the session of this token, if there is one."""
        await self.session.execute(delete(Session).where(Session.token_hash == token_hash))

    async def revoke_one(self, session_id: UUID, user_id: UUID) -> bool:
        """End one session of this user; False where the user has no such session."""
        statement = delete(Session).where(Session.id == session_id, Session.user_id == user_id).returning(Session.id)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def revoke_all_but(self, user_id: UUID, kept: UUID | None) -> None:
        """End all sessions of the user but `kept`; with None, all."""
        statement = delete(Session).where(Session.user_id == user_id)
        if kept is not None:
            statement = statement.where(Session.id != kept)
        await self.session.execute(statement)

    async def page(self, user_id: UUID, now: datetime, after: UUID | None, limit: int) -> list[Session]:
        """The user's live sessions in the order they were made."""
        statement = (
            select(Session)
            .where(Session.user_id == user_id, Session.idle_expires_at > now, Session.expires_at > now)
            .order_by(Session.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(Session.id > after)
        return list((await self.session.execute(statement)).scalars())
