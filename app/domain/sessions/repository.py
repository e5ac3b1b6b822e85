"""All SQL on sessions."""

from datetime import datetime
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import delete, func, insert, select, update

from app.auth.principal import ANONYMOUS, Membership, Principal, PrincipalSession, PrincipalUser
from app.database import Database, table_of
from app.domain.sessions.models import Session

# Session, user and memberships in one statement. A membership travels as "code role role": neither holds a space.
AUTHENTICATE = """
SELECT s.id, s.method, s.created_at, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at,
       u.id, u.email, u.name, u.platform_role, u.onboarded_at,
       (SELECT array_agg(m.language_code || array_to_string(ARRAY[''] || m.roles, ' ') ORDER BY m.language_code)
          FROM language_members m WHERE m.user_id = u.id)
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.token_hash = $1 AND s.idle_expires_at > $2 AND s.expires_at > $2 AND u.status = 'active'
"""

START = insert(table_of(Session))


async def read_principal(database: Database, token_hash: bytes, now: datetime) -> Principal:
    """The principal of a live session of an active user, else `ANONYMOUS`: one prepared statement, no ORM."""
    row = await database.pool.fetchrow(AUTHENTICATE, token_hash, now)
    if row is None:
        return ANONYMOUS
    values = tuple(row)
    return Principal(
        user=PrincipalUser(*values[7:12]),
        session=PrincipalSession(*values[:7]),
        memberships=tuple([_membership(packed) for packed in values[12] or ()]),
    )


def _membership(packed: str) -> Membership:
    code, *roles = packed.split(" ")
    return Membership(code, tuple(roles))


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
