"""All SQL on sessions, and the statement that authenticates every request."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import ANONYMOUS, Membership, Principal, PrincipalSession, PrincipalUser
from app.domain.sessions.models import Session
from app.postgres.base import table_of
from app.postgres.database import Database
from app.postgres.repository import Repository
from app.postgres.rows import to_struct


def _columns(table: str, kind: type[Struct], id_alias: str) -> str:
    """The columns of the fields of `kind`, as SQL. `id` gets an alias, because several tables have one."""
    names = ("id AS " + id_alias if name == "id" else name for name in kind.__struct_fields__)
    return ", ".join(f"{table}.{name}" for name in names)


# The statements that read a principal are the only SQL of this domain that names tables of other domains (`users`,
# `language_members`). Session, user and memberships come in one round trip. A membership travels as "code role role":
# no code or role contains a space.
USER_COLUMNS = f"""
       {_columns("u", PrincipalUser, "user_id")},
       (SELECT array_agg(m.language_code || array_to_string(ARRAY[''] || m.roles, ' ') ORDER BY m.language_code)
          FROM language_members m WHERE m.user_id = u.id) AS memberships
"""  # noqa: S608 # joined from constants
PRINCIPAL_COLUMNS = f"""
       {_columns("s", PrincipalSession, "session_id")}, {USER_COLUMNS}
"""
# How long after a renewal the token before it counts for requests that read.
REPLACED_COUNTS_FOR = timedelta(seconds=10)
LIVE = """
SELECT id, user_id, method, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at,
       false AS replaced, token_hash AS presented
  FROM sessions
 WHERE idle_expires_at > $2 AND expires_at > $2 AND token_hash = """
REPLACED = """
SELECT id, user_id, method, created_at, previous_authenticated_at, last_seen_at, idle_expires_at, expires_at,
       true, previous_token_hash
  FROM sessions
 WHERE replaced_at > $3 AND idle_expires_at > $2 AND expires_at > $2 AND previous_token_hash = """
# LIMIT, so that the second index is searched only for a token that the first does not have.
AUTHENTICATE = f"""
SELECT {PRINCIPAL_COLUMNS}, s.replaced
  FROM ({LIVE} $1 UNION ALL {REPLACED} $1 LIMIT 1) s JOIN users u ON u.id = s.user_id
 WHERE u.status = 'active'
"""  # noqa: S608 # joined from constants
# Of each session one row, that of its present token if that is among the tokens.
AUTHENTICATE_AMONG = f"""
SELECT DISTINCT ON (s.id) {PRINCIPAL_COLUMNS}, s.replaced, s.presented
  FROM ({LIVE} ANY($1) UNION ALL {REPLACED} ANY($1)) s JOIN users u ON u.id = s.user_id
 WHERE u.status = 'active'
 ORDER BY s.id, s.replaced
"""  # noqa: S608 # joined from constants
FIND_BY_USER = f"SELECT {USER_COLUMNS}, u.status FROM users u WHERE u.id = $1"  # noqa: S608 # joined from constants

INSERT = insert(table_of(Session))


async def read_principal(database: Database, token_hash: bytes, now: datetime) -> Principal:
    """The principal of a live session of an active user, else `ANONYMOUS`: one prepared statement, without the ORM."""
    row = await database.pool.fetchrow(AUTHENTICATE, token_hash, now, now - REPLACED_COUNTS_FOR)
    return principal_of(row, replaced=row["replaced"]) if row else ANONYMOUS


async def read_only_principal(
    database: Database, token_hashes: Sequence[bytes], now: datetime
) -> tuple[Principal, bytes | None]:
    """The principal of the one live session of several tokens, and the hash of its token.

    `ANONYMOUS` and None if none of the tokens has a live session, or if they have two: a neighbouring host can plant a
    session beside the user's own.
    """
    rows = await database.pool.fetch(AUTHENTICATE_AMONG, token_hashes, now, now - REPLACED_COUNTS_FOR)
    if len(rows) != 1:
        return ANONYMOUS, None
    return principal_of(rows[0], replaced=rows[0]["replaced"]), rows[0]["presented"]


async def find_principal(database: Database, user_id: UUID) -> Principal | None:
    """The principal that a request of this user would have, without a session; None if there is no such user.

    A suspended user is `ANONYMOUS`, because no credential of theirs is accepted.
    """
    row = await database.pool.fetchrow(FIND_BY_USER, user_id)
    if row is None:
        return None
    if row["status"] != "active":
        return ANONYMOUS
    return Principal(_user_of(row), memberships=_memberships_of(row))


def principal_of(row: asyncpg.Record, *, replaced: bool = False) -> Principal:
    """The principal of a row of `PRINCIPAL_COLUMNS`."""
    session = to_struct(PrincipalSession, row, id=row["session_id"])
    return Principal(_user_of(row), session, _memberships_of(row), replaced)


def _user_of(row: asyncpg.Record) -> PrincipalUser:
    return to_struct(PrincipalUser, row, id=row["user_id"])


def _memberships_of(row: asyncpg.Record) -> tuple[Membership, ...]:
    packed: Sequence[str] = row["memberships"] or ()
    return tuple([_membership(item) for item in packed])


def _membership(packed: str) -> Membership:
    code, *roles = packed.split(" ")
    return Membership(code, tuple(roles))


async def delete_expired(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` expired sessions; returns their number."""
    # The idle limit is never after the absolute limit, so comparing it is enough, and it has the index.
    expired = select(Session.id).where(Session.idle_expires_at <= now).limit(limit)
    deleted = await transaction.execute(delete(Session).where(Session.id.in_(expired)).returning(Session.id))
    return len(deleted.all())


class SessionRepository(Repository[Session]):
    """Sessions, in one transaction."""

    model_type = Session

    async def insert(self, **columns: object) -> None:
        """Insert a session."""
        await self.session.execute(INSERT, columns)

    async def extend(
        self, session_id: UUID, *, seen_before: datetime, now: datetime, idle_expires_at: datetime
    ) -> None:
        """Move the idle limit, unless a concurrent request has moved it since `seen_before`."""
        await self.session.execute(
            update(Session)
            .where(Session.id == session_id, Session.last_seen_at <= seen_before, Session.expires_at > now)
            .values(last_seen_at=now, idle_expires_at=func.least(idle_expires_at, Session.expires_at))
        )

    async def replace_token(self, old_hash: bytes, now: datetime, **columns: object) -> bool:
        """Replace a session's token and times; False if no session has the old token."""
        statement = (
            update(Session)
            .where(Session.token_hash == old_hash)
            .values(
                previous_token_hash=Session.token_hash,
                previous_authenticated_at=Session.authenticated_at,
                replaced_at=now,
                **columns,
            )
            .returning(Session.id)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def forget_replaced_token(self, session_id: UUID) -> None:
        """Let the token count no more that the session has replaced."""
        await self.session.execute(update(Session).where(Session.id == session_id).values(previous_token_hash=None))

    async def end(self, session_id: UUID) -> None:
        """End a session, if it has not ended."""
        await self.session.execute(delete(Session).where(Session.id == session_id))

    async def end_session(self, session_id: UUID, user_id: UUID) -> bool:
        """End one session of this user; False if the user has no such session."""
        statement = delete(Session).where(Session.id == session_id, Session.user_id == user_id).returning(Session.id)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def end_sessions(self, user_id: UUID, *, keep: UUID | None = None) -> None:
        """End all sessions of the user, except `keep`."""
        statement = delete(Session).where(Session.user_id == user_id)
        if keep is not None:
            statement = statement.where(Session.id != keep)
        await self.session.execute(statement)

    async def end_oldest(self, user_id: UUID, now: datetime, *, keep: int) -> None:
        """End the live sessions of the user that are older than the newest `keep`."""
        live = select(Session.id).where(Session.user_id == user_id, Session.idle_expires_at > now)
        surplus = live.order_by(Session.id.desc()).offset(keep)
        await self.session.execute(delete(Session).where(Session.id.in_(surplus)))

    async def page(self, user_id: UUID, now: datetime, after: UUID | None, limit: int) -> list[Session]:
        """The user's live sessions in the order of their creation."""
        statement = (
            select(Session)
            .where(Session.user_id == user_id, Session.idle_expires_at > now, Session.expires_at > now)
            .order_by(Session.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(Session.id > after)
        return list((await self.session.execute(statement)).scalars())
