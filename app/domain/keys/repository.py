"""All SQL on keys. What security rests on is one named, atomic statement each."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from msgspec import Struct
from sqlalchemy import ColumnElement, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.database import Database, new_id, table_of
from app.domain.keys.models import LIVE_SINGLE_USE, CodeFailures, Key
from app.domain.sessions.repository import PRINCIPAL_COLUMNS, principal_of
from app.domain.sessions.schemas import NewSession

EMAIL = "email"
LINK = "link"
EMAIL_CHANGE_UNDO = "email_change_undo"
KEEP_EXPIRED = timedelta(days=1)

# Consecutive wrong codes of one address, after which there are no codes for it (NIST SP 800-63B-4 section 3.2.2).
FAILURES_MAX = 100
FAILURES_KEPT = timedelta(days=1)
# NIST SP 800-63B-4 section 3.1.3.2; OWASP ASVS 5.0, 6.5.5
CODE_LIFETIME = timedelta(minutes=10)

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
# rows are locked in the order of the parts: user, key, session. It gives what the first request would read of it.
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


def _live_link(token_hash: bytes, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Key.kind == "single_use",
        Key.provider == LINK,
        Key.identifier == token_hash.hex(),
        Key.used_at.is_(None),
        Key.expires_at > now,
    )


def _live_code(address: str, purpose: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Key.kind == "single_use",
        Key.address == address,
        Key.purpose == purpose,
        Key.secret_hash.is_not(None),
        Key.used_at.is_(None),
        Key.created_at > now - CODE_LIFETIME,
        Key.expires_at > now,
    )


async def delete_expired(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` single-use keys that expired a day ago; gives their number."""
    expired = select(Key.id).where(Key.kind == "single_use", Key.expires_at <= now - KEEP_EXPIRED).limit(limit)
    deleted = await transaction.execute(delete(Key).where(Key.id.in_(expired)).returning(Key.id))
    return len(deleted.all())


async def delete_forgotten_failures(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` counts of wrong codes that count no more; gives their number."""
    forgotten = select(CodeFailures.address).where(CodeFailures.failed_at <= now - FAILURES_KEPT).limit(limit)
    deletion = delete(CodeFailures).where(CodeFailures.address.in_(forgotten)).returning(CodeFailures.address)
    return len((await transaction.execute(deletion)).all())


async def sign_in(database: Database, key: SignInKey, rehashed: str, new: NewSession) -> Principal | None:
    """Start a session for the owner of a key whose secret has been verified, and keep `rehashed` as its hash.

    Gives who they are; None where the user is not active any more, or the verified hash not the stored one.
    """
    row = await database.pool.fetchrow(
        SIGN_IN,
        key.user_id, key.id, key.secret_hash, new.now, rehashed,
        new.replaces, new.id, new.token_hash, new.method, new.client.ip, new.client.user_agent,
        *new.limits, *new.admin_limits,
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

    async def set_secret(self, user_id: UUID, secret_hash: str | None) -> None:
        """Replace the hash of the user's primary key; None leaves it without a secret."""
        await self.session.execute(
            update(Key).where(Key.user_id == user_id, Key.kind == "primary").values(secret_hash=secret_hash)
        )

    async def note_use(self, key_id: UUID, verified: str, rehashed: str, now: datetime) -> bool:
        """Record a sign-in and store the hash made with today's parameters.

        False where the secret has changed since it was verified: then that proof is worth nothing any more.
        """
        values = {"key_id": key_id, "verified": verified, "now": now, "rehashed": rehashed}
        return (await self.session.execute(NOTE_USE, values)).scalar_one_or_none() is not None

    async def issue(
        self,
        *,
        purpose: str,
        address: str,
        user_id: UUID | None,
        token_hash: bytes,
        code_hash: str | None,
        attempts: int | None,
        payload: Mapping[str, str],
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Make the one live single-use key of an address and purpose; an earlier one is void from here on."""
        values = {
            "user_id": user_id,
            "identifier": token_hash.hex(),
            "secret_hash": code_hash,
            "attempts_left": attempts,
            "payload": dict(payload),
            "created_at": now,
            "expires_at": expires_at,
        }
        await self.session.execute(
            insert(Key)
            .values(id=new_id(), kind="single_use", provider=LINK, purpose=purpose, address=address, **values)
            .on_conflict_do_update(
                index_elements=[Key.address, Key.purpose],
                index_where=LIVE_SINGLE_USE,
                set_={"id": new_id(), **values},
            )
        )

    async def find_live(self, token_hash: bytes, now: datetime) -> Key | None:
        """The single-use key of a link's token, as long as it can be used. Consumes nothing."""
        statement = select(Key).where(*_live_link(token_hash, now))
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def consume(self, token_hash: bytes, purpose: str, now: datetime) -> Key | None:
        """Use up the key of a link's token for `purpose`: of any number of concurrent calls one gets the key."""
        statement = (
            update(Key).where(*_live_link(token_hash, now), Key.purpose == purpose).values(used_at=now).returning(Key)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def count_attempt(self, address: str, purpose: str, now: datetime) -> Key | None:
        """Take one attempt from the live code of an address, before the guess is looked at.

        Commit this before comparing: attempts that run side by side, or a crash, must not make a guess free. None
        where there is no live code with an attempt left.
        """
        statement = (
            update(Key)
            .where(*_live_code(address, purpose, now), Key.attempts_left > 0)
            .values(attempts_left=Key.attempts_left - 1)
            .returning(Key)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def count_failure(self, address: str, now: datetime) -> int:
        """Count a wrong code in advance; gives the consecutive ones of the address, this one included."""
        statement = insert(CodeFailures).values(address=address, failures=1, failed_at=now)
        forgotten = CodeFailures.failed_at <= now - FAILURES_KEPT
        statement = statement.on_conflict_do_update(
            index_elements=[CodeFailures.address],
            set_={"failures": case((forgotten, 1), else_=CodeFailures.failures + 1), "failed_at": now},
        )
        return (await self.session.execute(statement.returning(CodeFailures.failures))).scalar_one()

    async def codes_stopped(self, address: str, now: datetime) -> bool:
        """Whether too many wrong codes have been tried on the address."""
        statement = select(CodeFailures.failures).where(
            CodeFailures.address == address, CodeFailures.failed_at > now - FAILURES_KEPT
        )
        return ((await self.session.execute(statement)).scalar_one_or_none() or 0) >= FAILURES_MAX

    async def forget_failures(self, address: str) -> None:
        """Forget the wrong codes of one address: its owner has got in.

        Call it when no more keys are to be locked: a guess locks its key first and counts after, and two transactions
        that take the two in different orders can block each other for good.
        """
        await self.session.execute(delete(CodeFailures).where(CodeFailures.address == address))

    async def forget_failures_of(self, user_id: UUID) -> None:
        """Forget the wrong codes of the user's address: its owner has got in another way."""
        address = select(Key.identifier).where(Key.user_id == user_id, Key.kind == "primary").scalar_subquery()
        await self.session.execute(delete(CodeFailures).where(CodeFailures.address == address))

    async def consume_code(self, address: str, purpose: str, code_hashes: Sequence[str], now: datetime) -> Key | None:
        """Use up the live code of an address whose attempt has been counted, where its hash is one of `code_hashes`."""
        statement = (
            update(Key)
            .where(*_live_code(address, purpose, now), Key.secret_hash.in_(code_hashes))
            .values(used_at=now)
            .returning(Key)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def void_outstanding(self, user_id: UUID) -> None:
        """Delete every single-use key that could still be used on the user's account."""
        addresses = select(Key.identifier).where(Key.user_id == user_id, Key.kind == "primary").scalar_subquery()
        await self.session.execute(
            delete(Key).where(
                Key.kind == "single_use",
                Key.used_at.is_(None),
                Key.purpose != EMAIL_CHANGE_UNDO,
                (Key.user_id == user_id) | (Key.address == addresses),
            )
        )

    async def void_undo_since(self, user_id: UUID, since: datetime) -> None:
        """Delete the user's undo links made since then."""
        await self.session.execute(
            delete(Key).where(
                Key.user_id == user_id,
                Key.purpose == EMAIL_CHANGE_UNDO,
                Key.used_at.is_(None),
                Key.created_at >= since,
            )
        )

    async def is_invited_to_platform(self, address: str) -> bool:
        """Whether the address has an invitation that is to no language: what a language's admin does not void."""
        statement = select(Key.id).where(
            Key.kind == "single_use",
            Key.address == address,
            Key.purpose == "invitation",
            Key.used_at.is_(None),
            ~Key.payload.has_key("language"),
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def void_invitation(self, user_id: UUID, purpose: str) -> None:
        """Delete the user's live invitation, if it is to a language."""
        await self.session.execute(
            delete(Key).where(
                Key.user_id == user_id,
                Key.purpose == purpose,
                Key.used_at.is_(None),
                Key.payload.has_key("language"),
            )
        )

    async def delete_secondary(self, key_id: UUID, user_id: UUID) -> str | None:
        """Delete a key of this user unless it is the primary one; gives the kind of what was found.

        The undo link of an address change is not found: it protects from whoever has taken the session.
        """
        found = select(Key.kind).where(Key.id == key_id, Key.user_id == user_id, OWN).with_for_update()
        kind = (await self.session.execute(found)).scalar_one_or_none()
        if kind is not None and kind != "primary":
            await self.session.execute(delete(Key).where(Key.id == key_id))
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
