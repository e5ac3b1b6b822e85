"""All SQL on primary keys, on signing in with them, and on the list of a user's keys."""

from datetime import datetime
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from msgspec import Struct
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.audit import record, subject_of
from app.auth.principal import Principal
from app.domain.keys.models import EMAIL, EMAIL_CHANGE_UNDO, Key
from app.domain.sessions.repository import PRINCIPAL_COLUMNS, principal_of
from app.domain.sessions.schemas import NewSession
from app.postgres.base import new_id, table_of
from app.postgres.database import Database

# The keys that are their user's to see and to drop.
OWN = Key.purpose.is_distinct_from(EMAIL_CHANGE_UNDO)

FIND_PRIMARY = """
SELECT k.id, k.user_id, k.secret_hash, u.status
  FROM keys k JOIN users u ON u.id = k.user_id
 WHERE k.kind = 'primary' AND """
FIND_BY_ADDRESS = FIND_PRIMARY + "k.provider = 'email' AND k.identifier = $1"
FIND_BY_USER = FIND_PRIMARY + "k.user_id = $1"

KEYS = table_of(Key)
# Signing in as one statement: whoever is still active, and still has the hash that was verified, gets a session. The
# user is locked before all else, and each part needs the one before it. It gives what the first request would read.
SIGN_IN = f"""
WITH owner AS (
    UPDATE users SET last_seen_at = $4 WHERE id = $1 AND status = 'active' RETURNING id, platform_role
), proved AS (
    UPDATE keys SET last_used_at = $4, secret_hash = $5 FROM owner
     WHERE keys.user_id = owner.id AND keys.id = $2 AND keys.secret_hash = $3
    RETURNING owner.id AS user_id, owner.platform_role, keys.identifier
), forgotten AS (
    DELETE FROM code_failures USING proved WHERE code_failures.address = proved.identifier
), ended AS (
    DELETE FROM sessions USING proved WHERE sessions.token_hash = $6
), s AS (
    INSERT INTO sessions (id, token_hash, user_id, method, created_at, authenticated_at, last_seen_at, ip, user_agent,
                          idle_expires_at, expires_at)
    SELECT $7, $8, user_id, $9, $4, $4, $4, $10, $11,
           CASE WHEN platform_role IS NULL THEN $12::timestamptz ELSE $14::timestamptz END,
           CASE WHEN platform_role IS NULL THEN $13::timestamptz ELSE $15::timestamptz END
      FROM proved
    RETURNING *
), recorded AS (
    INSERT INTO audit_events (id, action, subject, actor_id, session_id, ip, detail)
    SELECT $16, 'session.start', 'user:' || user_id, user_id, id, ip, jsonb_build_object('method', method) FROM s
)
SELECT {PRINCIPAL_COLUMNS} FROM s JOIN users u ON u.id = s.user_id
"""  # noqa: S608 # joined from constants

NOTE_USE = (
    update(KEYS)
    .where(KEYS.c.id == bindparam("key_id"), KEYS.c.secret_hash == bindparam("verified"))
    .values(last_used_at=bindparam("now"), secret_hash=bindparam("rehashed"))
    .returning(KEYS.c.id)
)


class SignInKey(Struct, frozen=True):
    """What signing in with a secret needs to know of an address."""

    id: UUID
    user_id: UUID
    secret_hash: str | None
    status: str

    def __repr__(self) -> str:
        return f"SignInKey({self.id})"


async def find_key_by_address(database: Database, address: str) -> SignInKey | None:
    """The primary key of a normalised address, with its user's status."""
    row = await database.pool.fetchrow(FIND_BY_ADDRESS, address)
    return SignInKey(*row) if row else None


async def find_key_by_user(database: Database, user_id: UUID) -> SignInKey | None:
    """The primary key of a user, with the user's status."""
    row = await database.pool.fetchrow(FIND_BY_USER, user_id)
    return SignInKey(*row) if row else None


async def sign_in(database: Database, key: SignInKey, rehashed: str, new: NewSession) -> Principal | None:
    """Start a session for the owner of a key whose secret has been verified, and keep `rehashed` as its hash.

    Gives who they are; None where the user is not active any more, or the verified hash not the stored one.
    """
    row = await database.pool.fetchrow(
        SIGN_IN,
        key.user_id, key.id, key.secret_hash, new.now, rehashed,
        new.replaces, new.id, new.token_hash, new.method, new.client.ip, new.client.user_agent,
        *new.limits, *new.admin_limits, new_id(),
    )  # fmt: skip
    return principal_of(row) if row else None


class KeyRepository(SQLAlchemyAsyncRepository[Key]):
    """Keys. Bound to the session of one transaction."""

    model_type = Key

    async def add_primary(self, user_id: UUID, address: str, secret_hash: str | None, now: datetime) -> bool:
        """Give the user their primary key; False where the address has one already."""
        statement = (
            insert(Key)
            .values(
                id=new_id(), user_id=user_id, kind="primary", provider=EMAIL, identifier=address,
                secret_hash=secret_hash, created_at=now,
            )
            .on_conflict_do_nothing(index_elements=[Key.provider, Key.identifier])
            .returning(Key.id)
        )  # fmt: skip
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def owner_of(self, address: str) -> UUID | None:
        """The user whose primary key this address is; nobody else can take the address until the transaction ends."""
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(address, 0))))
        return await self.find_owner(address)

    async def primary_of(self, user_id: UUID) -> Key:
        """The user's primary key, locked until the transaction ends."""
        statement = select(Key).where(Key.user_id == user_id, Key.kind == "primary").with_for_update()
        return (await self.session.execute(statement)).scalar_one()

    async def find_owner(self, address: str) -> UUID | None:
        """The user whose primary key this address is; nothing is locked."""
        statement = select(Key.user_id).where(Key.provider == EMAIL, Key.identifier == address)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def rename_primary(self, user_id: UUID, address: str) -> None:
        """Give the user's primary key another address, which the caller holds by `owner_of`."""
        await self.session.execute(
            update(Key).where(Key.user_id == user_id, Key.kind == "primary").values(identifier=address)
        )
        await record(self.session, "key.rename", subject_of("user", user_id))

    async def set_secret(self, user_id: UUID, secret_hash: str | None) -> None:
        """Replace the hash of the user's primary key; None leaves it without a secret."""
        statement = (
            update(Key)
            .where(Key.user_id == user_id, Key.kind == "primary", Key.secret_hash.is_distinct_from(secret_hash))
            .values(secret_hash=secret_hash)
            .returning(Key.id)
        )
        if (await self.session.execute(statement)).scalar_one_or_none() is not None:
            action = "key.set_secret" if secret_hash else "key.clear_secret"
            await record(self.session, action, subject_of("user", user_id))

    async def note_use(self, key_id: UUID, verified: str, rehashed: str, now: datetime) -> bool:
        """Record a sign-in and store the hash made with today's parameters.

        False where the secret has changed since it was verified: then that proof is worth nothing any more.
        """
        values = {"key_id": key_id, "verified": verified, "now": now, "rehashed": rehashed}
        return (await self.session.execute(NOTE_USE, values)).scalar_one_or_none() is not None

    async def delete_secondary(self, key_id: UUID, user_id: UUID) -> str | None:
        """Delete a key of this user unless it is the primary one; gives the kind of what was found.

        The undo link of an address change is not found: it protects from whoever has taken the session.
        """
        found = select(Key.kind).where(Key.id == key_id, Key.user_id == user_id, OWN).with_for_update()
        kind = (await self.session.execute(found)).scalar_one_or_none()
        if kind is not None and kind != "primary":
            await self.session.execute(delete(Key).where(Key.id == key_id))
            await record(self.session, "key.revoke", subject_of("user", user_id))
        return kind

    async def page(self, user_id: UUID, now: datetime, after: UUID | None, limit: int) -> list[Key]:
        """The keys with which the user can get in, in the order they were made."""
        statement = (
            select(Key)
            .where(Key.user_id == user_id, OWN, Key.used_at.is_(None), func.coalesce(Key.expires_at > now, True))
            .order_by(Key.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(Key.id > after)
        return list((await self.session.execute(statement)).scalars())
