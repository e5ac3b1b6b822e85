"""All SQL on sessions, and the statement that authenticates every request."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy import ColumnElement, DateTime, case, delete, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import InstrumentedAttribute

from app.auth.principal import (
    ANONYMOUS,
    Membership,
    Principal,
    PrincipalDetails,
    PrincipalSession,
    PrincipalUser,
)
from app.domain.sessions.models import EndedSession, Session
from app.postgres.base import table_of
from app.postgres.database import Database
from app.postgres.repository import Repository
from app.postgres.rows import to_struct


def _columns(table: str, kind: type[Struct], id_alias: str) -> str:
    """The columns of the fields of `kind`, as SQL. `id` gets an alias, because several tables have one."""
    names = ("id AS " + id_alias if name == "id" else name for name in kind.__struct_fields__)
    return ", ".join(f"{table}.{name}" for name in names)


def _memberships(named: str = "") -> str:
    """The memberships of the user as an SQL array of "code role role": no code or role contains a space.

    `named` appends to each, as SQL.
    """
    return f"""
       (SELECT array_agg(m.language_code || array_to_string(ARRAY[''] || m.roles, ' ') {named} ORDER BY m.language_code)
          FROM language_members m WHERE m.user_id = u.id) AS memberships
"""  # noqa: S608 # joined from constants


# The statements that read a principal are the only SQL of this domain that names tables of other domains (`users`,
# `keys`, `languages`, `language_members`). Session, user and memberships come in one round trip.
OF_USER = _columns("u", PrincipalUser, "user_id")
USER_COLUMNS = f"{OF_USER}, {_memberships()}"
OF_SESSION = _columns("s", PrincipalSession, "session_id")
# What only a description of the caller needs, and what would slow every other request. After each membership come a tab
# and the name of the language, by a subselect: for a join PostgreSQL reads the whole table of languages.
NAMED = "|| E'\\t' || (SELECT l.name FROM languages l WHERE l.code = m.language_code)"
DETAILED_COLUMNS = f"""
       {OF_SESSION}, {OF_USER}, {_memberships(NAMED)}, u.email_verified_at IS NOT NULL AS email_verified,
       EXISTS (SELECT FROM keys k WHERE k.user_id = u.id AND k.kind = 'primary' AND k.secret_hash IS NOT NULL)
           AS has_secret
"""  # joined from constants
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
OF_TOKENS = f"""
  FROM ({LIVE} ANY($1) UNION ALL {REPLACED} ANY($1)) s JOIN users u ON u.id = s.user_id
 WHERE u.status = 'active'
"""  # joined from constants
AUTHENTICATE = f"SELECT {OF_SESSION}, {USER_COLUMNS}, s.replaced, s.presented {OF_TOKENS}"
AUTHENTICATE_IN_DETAIL = f"SELECT {DETAILED_COLUMNS}, s.replaced, s.presented {OF_TOKENS}"
# Of each session one row, that of its present token if that is among the tokens.
AUTHENTICATE_AMONG = f"""
SELECT DISTINCT ON (s.id) {DETAILED_COLUMNS}, s.replaced, s.presented {OF_TOKENS} ORDER BY s.id, s.replaced
"""  # joined from constants
FIND_BY_USER = f"SELECT {USER_COLUMNS}, u.status FROM users u WHERE u.id = $1"  # noqa: S608 # joined from constants

# Why a session has ended. The client is told.
EndReason: TypeAlias = Literal[
    "signed_out", "signed_in_again", "revoked", "role_changed", "suspended", "secret_changed", "email_changed",
    "account_deleted", "too_many_sessions", "expired",
]  # fmt: skip
# For how long.
ENDED_KEPT_FOR = timedelta(days=7)
FIND_END = """
SELECT reason, ended_at AS at FROM ended_sessions WHERE token_hash = ANY($1) AND ended_at > $3
 UNION ALL
SELECT 'expired', idle_expires_at FROM sessions
 WHERE token_hash = ANY($1) AND idle_expires_at <= $2 AND idle_expires_at > $3
 ORDER BY at DESC LIMIT 1
"""

INSERT = insert(table_of(Session))


class SessionEnd(Struct, frozen=True):
    """How a session has ended."""

    reason: EndReason
    at: datetime


async def read_principals(
    database: Database, token_hashes: Sequence[bytes], now: datetime, *, detailed: bool = False
) -> dict[bytes, Principal]:
    """The principals of live sessions of active users, by the hash of their token: one statement, without the ORM."""
    statement = AUTHENTICATE_IN_DETAIL if detailed else AUTHENTICATE
    rows = await database.pool.fetch(statement, token_hashes, now, now - REPLACED_COUNTS_FOR)
    return {
        row["presented"]: principal_of(row, replaced=row["replaced"], details=_details_of(row) if detailed else None)
        for row in rows
    }


async def read_principal(database: Database, token_hash: bytes, now: datetime) -> Principal:
    """The principal of the token with its details, `ANONYMOUS` if the token has no live session."""
    principals = await read_principals(database, [token_hash], now, detailed=True)
    return principals.get(token_hash, ANONYMOUS)


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
    (row,) = rows
    return principal_of(row, replaced=row["replaced"], details=_details_of(row)), row["presented"]


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


def detailed_principal_of(row: asyncpg.Record) -> Principal:
    """The principal of a row of `DETAILED_COLUMNS`."""
    return principal_of(row, details=_details_of(row))


def principal_of(row: asyncpg.Record, *, replaced: bool = False, details: PrincipalDetails | None = None) -> Principal:
    """The principal of a row with the columns of its session and its user."""
    session = to_struct(PrincipalSession, row, id=row["session_id"])
    return Principal(_user_of(row), session, _memberships_of(row), replaced, details)


def _details_of(row: asyncpg.Record) -> PrincipalDetails:
    names = tuple([item.partition("\t")[2] for item in row["memberships"] or ()])
    return to_struct(PrincipalDetails, row, language_names=names)


def _user_of(row: asyncpg.Record) -> PrincipalUser:
    return to_struct(PrincipalUser, row, id=row["user_id"])


def _memberships_of(row: asyncpg.Record) -> tuple[Membership, ...]:
    packed: Sequence[str] = row["memberships"] or ()
    return tuple([_membership(item) for item in packed])


def _membership(packed: str) -> Membership:
    code, *roles = packed.partition("\t")[0].split(" ")
    return Membership(code, tuple(roles))


async def read_end(database: Database, token_hashes: Sequence[bytes], now: datetime) -> SessionEnd | None:
    """How the session of one of these tokens has ended, the latest of them; None if none has, or too long ago."""
    row = await database.pool.fetchrow(FIND_END, token_hashes, now, now - ENDED_KEPT_FOR)
    return to_struct(SessionEnd, row) if row else None


async def end_expired(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Move up to `limit` expired sessions to the ended ones; returns their number."""
    # The idle limit is never after the absolute limit, so comparing it is enough, and it has the index.
    expired = select(Session.id).where(Session.idle_expires_at <= now).limit(limit)
    return await _end(transaction, "expired", Session.idle_expires_at, Session.id.in_(expired))


async def delete_ended(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` ended sessions whose end is told no more; returns their number."""
    old = select(EndedSession.token_hash).where(EndedSession.ended_at <= now - ENDED_KEPT_FOR).limit(limit)
    which = EndedSession.token_hash.in_(old)
    return len((await transaction.execute(delete(EndedSession).where(which).returning(EndedSession.token_hash))).all())


async def _end(
    transaction: AsyncSession | async_scoped_session[AsyncSession],
    why: EndReason | ColumnElement[str],
    ended_at: datetime | InstrumentedAttribute[datetime],
    *which: ColumnElement[bool],
) -> int:
    """End sessions for a reason; returns their number."""
    reason = literal(why) if isinstance(why, str) else why
    at = literal(ended_at, DateTime(timezone=True)) if isinstance(ended_at, datetime) else ended_at
    ended = (
        delete(Session)
        .where(*which)
        .returning(Session.token_hash, Session.id, Session.user_id, reason.label("reason"), at.label("at"))
        .cte("ended")
    )
    statement = (
        insert(EndedSession)
        .from_select(["token_hash", "session_id", "user_id", "reason", "ended_at"], select(*ended.c))
        .returning(EndedSession.token_hash)
    )
    return len((await transaction.execute(statement)).all())


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

    async def end(self, session_id: UUID, reason: EndReason, now: datetime) -> None:
        """End a session, if it has not ended."""
        await _end(self.session, reason, now, Session.id == session_id)

    async def end_live(self, token_hashes: Sequence[bytes], reason: EndReason, now: datetime) -> None:
        """End the live sessions of these tokens, and those that have replaced one of them a moment ago."""
        replaced = Session.previous_token_hash.in_(token_hashes) & (Session.replaced_at > now - REPLACED_COUNTS_FOR)
        of_token = Session.token_hash.in_(token_hashes) | replaced
        await _end(self.session, reason, now, of_token, Session.idle_expires_at > now)

    async def end_session(self, session_id: UUID, user_id: UUID, now: datetime) -> bool:
        """Revoke one session of this user; False if the user has no such session."""
        return await _end(self.session, "revoked", now, Session.id == session_id, Session.user_id == user_id) == 1

    async def has_ended(self, session_id: UUID, user_id: UUID) -> bool:
        """Whether this was a session of the user, which has ended within `ENDED_KEPT_FOR`."""
        which = EndedSession.session_id == session_id, EndedSession.user_id == user_id
        ended = select(EndedSession.session_id).where(*which).limit(1)
        return (await self.session.execute(ended)).first() is not None

    async def end_sessions(self, user_id: UUID, reason: EndReason, now: datetime, *, keep: UUID | None = None) -> None:
        """End all sessions of the user, except `keep`."""
        others = [] if keep is None else [Session.id != keep]
        await _end(self.session, reason, now, Session.user_id == user_id, *others)

    async def make_room(self, user_id: UUID, now: datetime, *, replaced: UUID | None, keep: int) -> None:
        """End the session `replaced`, and of the user's other live sessions all but the newest `keep`."""
        live = Session.user_id == user_id, Session.idle_expires_at > now, Session.id.is_distinct_from(replaced)
        surplus = select(Session.id).where(*live).order_by(Session.id.desc()).offset(keep)
        why = case((Session.id == replaced, "signed_in_again"), else_="too_many_sessions")
        await _end(self.session, why, now, or_(Session.id == replaced, Session.id.in_(surplus)))

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
