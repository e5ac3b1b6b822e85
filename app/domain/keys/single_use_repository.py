"""All SQL on single-use keys and wrong codes. What security rests on is one named, atomic statement each."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import ColumnElement, case, delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import record, subject_of
from app.domain.keys.models import EMAIL_CHANGE_UNDO, LINK, LIVE_SINGLE_USE, CodeFailures, Key
from app.postgres.base import new_id

KEEP_EXPIRED = timedelta(days=1)

# Consecutive wrong codes of one address, after which there are no codes for it (NIST SP 800-63B-4 section 3.2.2).
FAILURES_MAX = 100
FAILURES_KEPT = timedelta(days=1)
# NIST SP 800-63B-4 section 3.1.3.2; OWASP ASVS 5.0, 6.5.5
CODE_LIFETIME = timedelta(minutes=10)


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


def _subject(user_id: UUID | None, key_id: UUID) -> str:
    return subject_of("user", user_id) if user_id else subject_of("key", key_id)


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


class SingleUseKeyRepository(SQLAlchemyAsyncRepository[Key]):
    """Single-use keys, and the wrong codes of an address. Bound to the session of one transaction."""

    model_type = Key

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
        key_id = new_id()
        await self.session.execute(
            insert(Key)
            .values(id=key_id, kind="single_use", provider=LINK, purpose=purpose, address=address, **values)
            .on_conflict_do_update(
                index_elements=[Key.address, Key.purpose],
                index_where=LIVE_SINGLE_USE,
                set_={"id": key_id, **values},
            )
        )
        await record(self.session, "key.issue", _subject(user_id, key_id), detail={"purpose": purpose})

    async def find_live(self, token_hash: bytes, now: datetime) -> Key | None:
        """The single-use key of a link's token, as long as it can be used. Consumes nothing."""
        statement = select(Key).where(*_live_link(token_hash, now))
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def consume(self, token_hash: bytes, purpose: str, now: datetime) -> Key | None:
        """Use up the key of a link's token for `purpose`: of any number of concurrent calls one gets the key."""
        return await self._use(now, *_live_link(token_hash, now), Key.purpose == purpose)

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

    async def consume_code(self, address: str, purpose: str, code_hashes: Sequence[str], now: datetime) -> Key | None:
        """Use up the live code of an address whose attempt has been counted, where its hash is one of `code_hashes`."""
        return await self._use(now, *_live_code(address, purpose, now), Key.secret_hash.in_(code_hashes))

    async def count_failure(self, address: str, now: datetime, *, guessed: bool) -> int:
        """Count a wrong code in advance; gives the consecutive ones of the address, this one included.

        Where there was nothing to guess (`guessed` is false) it writes as much, and counts nothing: the time that an
        answer takes tells nobody whether an address has a code.
        """
        count = int(guessed)
        statement = insert(CodeFailures).values(address=address, failures=count, failed_at=now)
        forgotten = CodeFailures.failed_at <= now - FAILURES_KEPT
        statement = statement.on_conflict_do_update(
            index_elements=[CodeFailures.address],
            set_={
                "failures": case((forgotten, count), else_=CodeFailures.failures + count),
                "failed_at": case((literal(guessed), now), else_=CodeFailures.failed_at),
            },
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

    async def void_outstanding(self, user_id: UUID) -> None:
        """Delete every single-use key that could still be used on the user's account."""
        addresses = select(Key.identifier).where(Key.user_id == user_id, Key.kind == "primary").scalar_subquery()
        await self._void(
            Key.kind == "single_use",
            Key.purpose != EMAIL_CHANGE_UNDO,
            (Key.user_id == user_id) | (Key.address == addresses),
        )

    async def void_undo_since(self, user_id: UUID, since: datetime) -> None:
        """Delete the user's undo links made since then."""
        await self._void(Key.user_id == user_id, Key.purpose == EMAIL_CHANGE_UNDO, Key.created_at >= since)

    async def is_invited_to_platform(self, address: str, now: datetime) -> bool:
        """Whether the address has an invitation that is to no language: what a language's admin does not void."""
        statement = select(Key.id).where(
            Key.kind == "single_use",
            Key.address == address,
            Key.purpose == "invitation",
            Key.used_at.is_(None),
            Key.expires_at > now,
            ~Key.payload.has_key("language"),
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def void_invitation(self, user_id: UUID, purpose: str) -> None:
        """Delete the user's live invitation, if it is to a language."""
        await self._void(Key.user_id == user_id, Key.purpose == purpose, Key.payload.has_key("language"))

    async def _use(self, now: datetime, *live: ColumnElement[bool]) -> Key | None:
        statement = update(Key).where(*live).values(used_at=now).returning(Key)
        key = (await self.session.execute(statement)).scalar_one_or_none()
        if key is not None:
            await record(self.session, "key.use", _subject(key.user_id, key.id), detail={"purpose": key.purpose})
        return key

    async def _void(self, *which: ColumnElement[bool]) -> None:
        statement = delete(Key).where(*which, Key.used_at.is_(None)).returning(Key.id, Key.user_id, Key.purpose)
        for key in await self.session.execute(statement):
            await record(self.session, "key.revoke", _subject(key.user_id, key.id), detail={"purpose": key.purpose})
