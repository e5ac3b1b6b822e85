"""The SQL of signing in with a password, in two statements: one reads the hash, one writes everything. Between them,
the limits count the guess.

`SIGN_IN` does what `start_session` and the rest of the plain path do, in one statement. A test compares the rows that
both leave. `NOTE_USE` is the step of proving the secret again.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.domain.flows.guess_limits import Account
from app.domain.keys.models import Key
from app.domain.sessions.devices import DeviceOwner
from app.domain.sessions.repository import DETAILED_COLUMNS, detailed_principal_of
from app.domain.sessions.service import NewSession
from app.domain.users.models import User
from app.postgres.base import new_id, table_of
from app.postgres.database import Database
from app.postgres.rows import to_struct

FIND_PRIMARY = """
SELECT k.id, k.user_id, k.secret_hash, u.status, u.platform_role, u.devices_since, u.email, u.locale,
       u.last_seen_at
  FROM keys k JOIN users u ON u.id = k.user_id
 WHERE k.kind = 'primary' AND """
FIND_BY_ADDRESS = FIND_PRIMARY + "k.provider = 'email' AND k.identifier = $1"
FIND_ACCOUNT = """
SELECT u.id AS user_id, u.devices_since FROM keys k JOIN users u ON u.id = k.user_id
 WHERE k.kind = 'primary' AND k.provider = 'email' AND k.identifier = $1
"""
FIND_BY_USER = FIND_PRIMARY + "k.user_id = $1"

# Sign-ins at the same moment do not see each other's sessions, and can leave more than the cap until the next one.
# No row if, since the key was read, the user has been suspended or their platform role or secret has changed. The user
# is locked before the key, and each part depends on the part before it. The result has the columns of the principal.
SIGN_IN = f"""
WITH owner AS (
    UPDATE users SET last_seen_at = $4
     WHERE id = $1 AND status = 'active' AND platform_role IS NOT DISTINCT FROM $14
    RETURNING id
), verified AS (
    UPDATE keys SET last_used_at = $4, secret_hash = $5 FROM owner
     WHERE keys.user_id = owner.id AND keys.id = $2 AND keys.secret_hash = $3
    RETURNING owner.id AS user_id
), ended AS (
    DELETE FROM sessions USING verified WHERE sessions.id = $6
    RETURNING token_hash, sessions.id, sessions.user_id, 'signed_in_again'
), surplus AS (
    SELECT other.id FROM verified CROSS JOIN LATERAL (
        SELECT id FROM sessions
         WHERE user_id = verified.user_id AND idle_expires_at > $4 AND id IS DISTINCT FROM $6
         ORDER BY id DESC OFFSET $16
    ) other
), capped AS (
    DELETE FROM sessions USING surplus WHERE sessions.id = surplus.id
    RETURNING token_hash, sessions.id, sessions.user_id, 'too_many_sessions'
), told AS (
    INSERT INTO ended_sessions (token_hash, session_id, user_id, reason, ended_at)
    SELECT *, $4 FROM ended UNION ALL SELECT *, $4 FROM capped
), s AS (
    INSERT INTO sessions (id, token_hash, user_id, method, created_at, authenticated_at, last_seen_at, ip, user_agent,
                          idle_expires_at, expires_at)
    SELECT $7, $8, user_id, $9, $4, $4, $4, $10, $11, $12, $13 FROM verified
    RETURNING *
), recorded AS (
    INSERT INTO audit_events (id, action, subject, actor_id, session_id, ip, detail)
    SELECT $15, 'session.start', 'user:' || user_id, user_id, id, ip, jsonb_build_object('method', method) FROM s
)
SELECT {DETAILED_COLUMNS}, EXISTS (SELECT FROM ended UNION ALL SELECT FROM capped) AS ends_sessions
  FROM s JOIN users u ON u.id = s.user_id
"""  # noqa: S608 # joined from constants


KEYS, USERS = table_of(Key), table_of(User)
# The user is locked before the key, as `UserRepository.lock_active` asks for.
OWNER = (
    select(USERS.c.id, USERS.c.platform_role)
    .where(USERS.c.id == bindparam("owner_id"), USERS.c.status == "active")
    .with_for_update(key_share=True)
    .cte("owner")
)
NOTE_USE = (
    update(KEYS)
    .where(
        KEYS.c.user_id == OWNER.c.id,
        KEYS.c.id == bindparam("key_id"),
        KEYS.c.secret_hash == bindparam("verified"),
    )
    .values(last_used_at=bindparam("now"), secret_hash=bindparam("rehashed"))
    .returning(OWNER.c.platform_role)
)


class PrimaryKey(Struct, frozen=True):
    """The primary key of a user, with the user's status and platform role: what signing in with a secret needs."""

    id: UUID
    user_id: UUID
    secret_hash: str | None
    status: str
    platform_role: str | None
    devices_since: datetime | None
    email: str
    locale: str | None
    last_seen_at: datetime | None

    def __repr__(self) -> str:
        return f"PrimaryKey({self.id})"

    @property
    def account(self) -> Account:
        """The account, as the limits of guesses need it."""
        return Account(self.user_id, self.devices_since)

    @property
    def owner(self) -> DeviceOwner:
        """The user, as they were before they sign in."""
        return to_struct(DeviceOwner, self)


async def find_primary_key(database: Database, address: str) -> PrimaryKey | None:
    """The primary key of a normalised address."""
    row = await database.pool.fetchrow(FIND_BY_ADDRESS, address)
    return to_struct(PrimaryKey, row) if row else None


async def find_account(database: Database, address: str) -> Account | None:
    """The account of a normalised address, as the limits of guesses need it."""
    row = await database.pool.fetchrow(FIND_ACCOUNT, address)
    return to_struct(Account, row) if row else None


async def find_primary_key_of(database: Database, user_id: UUID) -> PrimaryKey | None:
    """The primary key of a user."""
    row = await database.pool.fetchrow(FIND_BY_USER, user_id)
    return to_struct(PrimaryKey, row) if row else None


async def sign_in(database: Database, key: PrimaryKey, rehashed: str, new: NewSession) -> Principal | None:
    """Start a session for the user of a key whose secret has been verified, and store `rehashed` as its hash.

    Returns the principal of the session; None if the user is not active any more, or if their platform role or stored
    hash has changed.
    """
    row = await database.pool.fetchrow(
        SIGN_IN,
        key.user_id, key.id, key.secret_hash, new.now, rehashed,
        new.replaces, new.id, new.token_hash, new.method, new.ip, new.user_agent,
        new.idle_expires_at, new.expires_at, key.platform_role, new_id(), new.others_max,
    )  # fmt: skip
    if row is None:
        return None
    if row["ends_sessions"]:
        await database.settle()
    return detailed_principal_of(row)


async def note_use(transaction: AsyncSession, key: PrimaryKey, rehashed: str, now: datetime) -> tuple[bool, str | None]:
    """Lock the user of a key whose secret has been verified, record its use, and store `rehashed` as its hash.

    Returns whether that was done, and the platform role. It is not done if the user is not active any more, or if the
    stored hash has changed.
    """
    values = {"owner_id": key.user_id, "key_id": key.id, "verified": key.secret_hash, "now": now, "rehashed": rehashed}
    row = (await transaction.execute(NOTE_USE, values)).one_or_none()
    return row is not None, row.platform_role if row else None
