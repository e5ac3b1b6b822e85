"""All SQL on single-use keys. Each step that security rests on is one named, atomic statement."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, delete, false, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.keys.models import LINK, LIVE_INVITATION, LIVE_SINGLE_USE, Key
from app.postgres.base import new_id
from app.postgres.repository import Repository
from app.postgres.rows import to_struct

KEEP_EXPIRED = timedelta(days=1)


def _live_link(token_hash: bytes, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Key.kind == "single_use",
        Key.provider == LINK,
        Key.identifier == token_hash.hex(),
        Key.used_at.is_(None),
        Key.expires_at > now,
    )


def _live_code(address: str, purpose: str, lifetime: timedelta, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Key.kind == "single_use",
        Key.address == address,
        Key.purpose == purpose,
        Key.secret_hash.is_not(None),
        Key.used_at.is_(None),
        Key.created_at > now - lifetime,
        Key.expires_at > now,
    )


def _address_of(user_id: UUID) -> ColumnElement[str]:
    """The address of the user's primary key, as a subquery."""
    return select(Key.identifier).where(Key.user_id == user_id, Key.kind == "primary").scalar_subquery()


async def delete_expired(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` single-use keys that expired a day ago; returns their number."""
    expired = select(Key.id).where(Key.kind == "single_use", Key.expires_at <= now - KEEP_EXPIRED).limit(limit)
    deleted = await transaction.execute(delete(Key).where(Key.id.in_(expired)).returning(Key.id))
    return len(deleted.all())


class VoidedKey(Struct, frozen=True):
    """A deleted key, as its audit event needs it."""

    id: UUID
    user_id: UUID | None
    purpose: str


class SingleUseKeyRepository(Repository[Key]):
    """Single-use keys, in one transaction."""

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
        language_code: str | None = None,
        invited_by: UUID | None = None,
    ) -> UUID:
        """Insert the live single-use key of an address and purpose, in place of an earlier one; returns its id.

        An address can have one live invitation to each language, and one to the platform.
        """
        values = {
            "user_id": user_id,
            "identifier": token_hash.hex(),
            "secret_hash": code_hash,
            "attempts_left": attempts,
            "payload": dict(payload),
            "created_at": now,
            "expires_at": expires_at,
            "invited_by": invited_by,
        }
        key_id = new_id()
        statement = insert(Key).values(
            id=key_id,
            kind="single_use",
            provider=LINK,
            purpose=purpose,
            address=address,
            language_code=language_code,
            **values,
        )
        is_invitation = purpose == "invitation"
        await self.session.execute(
            statement.on_conflict_do_update(
                index_elements=[Key.address, Key.language_code if is_invitation else Key.purpose],
                index_where=LIVE_INVITATION if is_invitation else LIVE_SINGLE_USE,
                set_={"id": key_id, **values},
            )
        )
        return key_id

    async def find_live(self, token_hash: bytes, now: datetime) -> Key | None:
        """The live single-use key of a link's token. Consumes nothing."""
        return await self.get_one_or_none(*_live_link(token_hash, now))

    async def consume_link(self, token_hash: bytes, purpose: str, now: datetime) -> Key | None:
        """Consume the key of a link's token for `purpose`. Only one of several concurrent calls gets the key."""
        return await self._consume(now, *_live_link(token_hash, now), Key.purpose == purpose)

    async def consume_code(
        self, address: str, purpose: str, lifetime: timedelta, code_hashes: Sequence[str], now: datetime
    ) -> Key | None:
        """Consume the live code of an address whose attempt has been counted, if its hash is one of `code_hashes`."""
        return await self._consume(now, *_live_code(address, purpose, lifetime, now), Key.secret_hash.in_(code_hashes))

    async def count_attempt(self, address: str, purpose: str, lifetime: timedelta, now: datetime) -> Key | None:
        """Take one attempt from the live code of an address; None if there is no live code with an attempt left.

        Commit this before comparing the guess: concurrent attempts or a crash must not make a guess free.
        """
        statement = (
            update(Key)
            .where(*_live_code(address, purpose, lifetime, now), Key.attempts_left > 0)
            .values(attempts_left=Key.attempts_left - 1)
            .returning(Key)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def void_keys(self, user_id: UUID, keep: Collection[str]) -> list[VoidedKey]:
        """Delete every unused single-use key on the user or their address, except those of the purposes in `keep`."""
        on_account = (Key.user_id == user_id) | (Key.address == _address_of(user_id))
        return await self._void(Key.kind == "single_use", Key.purpose.not_in(keep), on_account)

    async def void_keys_for(self, user_id: UUID, purpose: str, *, since: datetime) -> list[VoidedKey]:
        """Delete the user's unused keys of one purpose that were made at or after `since`."""
        return await self._void(Key.user_id == user_id, Key.purpose == purpose, Key.created_at >= since)

    async def void_invitation(self, user_id: UUID, language_code: str) -> list[VoidedKey]:
        """Delete the user's unused invitation to this language."""
        return await self._void(Key.user_id == user_id, Key.language_code == language_code)

    async def void_invitations_by(self, inviter: UUID, language_codes: Collection[str | None]) -> list[VoidedKey]:
        """Delete the unused invitations by this user to these languages; None stands for the platform."""
        to_platform = Key.language_code.is_(None) if None in language_codes else false()
        return await self._void(Key.invited_by == inviter, Key.language_code.in_(language_codes) | to_platform)

    async def invited_to_by(self, inviter: UUID) -> set[str | None]:
        """The languages that the unused invitations by this user are to; None stands for the platform."""
        statement = select(Key.language_code).where(Key.invited_by == inviter, Key.used_at.is_(None)).distinct()
        return set((await self.session.execute(statement)).scalars())

    async def _consume(self, now: datetime, *live: ColumnElement[bool]) -> Key | None:
        statement = update(Key).where(*live).values(used_at=now).returning(Key)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def _void(self, *which: ColumnElement[bool]) -> list[VoidedKey]:
        statement = delete(Key).where(*which, Key.used_at.is_(None))
        deleted = await self.session.execute(statement.returning(Key.id, Key.user_id, Key.purpose))
        return [to_struct(VoidedKey, row) for row in deleted]
