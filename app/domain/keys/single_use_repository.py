"""All SQL on single-use keys. Each step that security rests on is one named, atomic statement."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Text, and_, case, cast, delete, false, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.keys.models import LINK, LIVE_INVITATION, Key
from app.postgres.base import new_id, table_of
from app.postgres.repository import Repository
from app.postgres.rows import to_struct

KEYS = table_of(Key)

# How long the holder of a link is told why it has ended. Longer than the longest window in which mails are counted:
# a key that was used or voided counts as its mail.
KEEP_EXPIRED = timedelta(days=7)
KeyEnd = Literal["used", "expired", "voided"]
# The seed of the advisory locks on the mail of an address; other locks on addresses have another one.
MAIL_LOCK = 1
IS_INVITATION = Key.purpose == "invitation"


def _link(token_hash: bytes) -> tuple[ColumnElement[bool], ...]:
    return Key.kind == "single_use", Key.provider == LINK, Key.identifier == token_hash.hex()


def _live_link(token_hash: bytes, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return *_link(token_hash), Key.used_at.is_(None), Key.expires_at > now


class CodeOf(NamedTuple):
    """Where a code belongs: its address, purpose and flow, and how long codes of the purpose work."""

    address: str
    purpose: str
    flow_hash: str
    lifetime: timedelta


def _live_code(code: CodeOf, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Key.kind == "single_use",
        Key.address == code.address,
        Key.purpose == code.purpose,
        Key.flow_hash == code.flow_hash,
        Key.secret_hash.is_not(None),
        Key.used_at.is_(None),
        Key.created_at > now - code.lifetime,
        Key.expires_at > now,
    )


def _address_of(user_id: UUID) -> ColumnElement[str]:
    """The address of the user's primary key, as a subquery."""
    return select(Key.identifier).where(Key.user_id == user_id, Key.kind == "primary").scalar_subquery()


async def delete_expired(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` single-use keys that expired `KEEP_EXPIRED` ago; returns their number."""
    expired = select(Key.id).where(Key.kind == "single_use", Key.expires_at <= now - KEEP_EXPIRED).limit(limit)
    deleted = await transaction.execute(delete(Key).where(Key.id.in_(expired)).returning(Key.id))
    return len(deleted.all())


def end_of(key: Key, now: datetime) -> KeyEnd | None:
    """Why a single-use key cannot be used any more; None for a live one."""
    if key.used_at is not None:
        return "voided" if key.end_reason == "voided" else "used"
    return "expired" if key.expires_at is None or key.expires_at <= now else None


class MailedKey(Struct, frozen=True):
    """A key that was mailed to an address, as the rules of mail need it. `flow_hash` is None if it has no code."""

    id: UUID
    user_id: UUID | None
    flow_hash: str | None
    asked_by: str | None
    attempts_left: int | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class VoidedKey(Struct, frozen=True):
    """A voided key, as its audit event needs it."""

    id: UUID
    user_id: UUID | None
    purpose: str


class SingleUseKeyRepository(Repository[Key]):
    """Single-use keys, in one transaction."""

    model_type = Key

    async def lock_mail(self, address: str) -> None:
        """Keep other transactions from deciding about mail to this address until this one ends."""
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(address, MAIL_LOCK))))

    async def mailed_since(self, address: str, purpose: str, since: datetime) -> list[MailedKey]:
        """The keys of a purpose that clients have asked for and that were mailed to an address since then.

        The oldest is the first. Used and voided ones are among them.
        """
        columns = [KEYS.c[name] for name in MailedKey.__struct_fields__]
        statement = select(*columns).where(
            KEYS.c.kind == "single_use",
            KEYS.c.address == address,
            KEYS.c.purpose == purpose,
            KEYS.c.asked_by.is_not(None),
            KEYS.c.created_at > since,
        )
        rows = await self.session.execute(statement.order_by(KEYS.c.created_at, KEYS.c.id))
        return [to_struct(MailedKey, row) for row in rows]

    async def issue(
        self,
        *,
        purpose: str,
        address: str,
        user_id: UUID | None,
        token_hash: bytes,
        payload: Mapping[str, str],
        now: datetime,
        expires_at: datetime,
        code_hash: str | None = None,
        attempts: int | None = None,
        flow_hash: str | None = None,
        asked_by: str | None = None,
        continued: UUID | None = None,
        displaced: Collection[UUID] = (),
        language_code: str | None = None,
        invited_by: UUID | None = None,
    ) -> UUID:
        """Insert a live single-use key; returns its id.

        A key with a code has a flow. The code that this flow had before for the address and purpose is void, and so
        are the codes of the `displaced` keys; their links stay. The new code has `attempts`, and no more than are left
        of the `continued` key. An invitation replaces the live one of its address and
        language: an address can have one to each language, and one to the platform.
        """
        values: dict[str, object] = {
            "user_id": user_id,
            "identifier": token_hash.hex(),
            "secret_hash": code_hash,
            "attempts_left": attempts,
            "payload": dict(payload),
            "created_at": now,
            "expires_at": expires_at,
            "invited_by": invited_by,
        }
        if flow_hash is not None:
            values |= _after_ending_codes(address, purpose, flow_hash, attempts or 0, continued, displaced)
        key_id = new_id()
        statement = insert(Key).values(
            id=key_id,
            kind="single_use",
            provider=LINK,
            purpose=purpose,
            address=address,
            language_code=language_code,
            asked_by=asked_by,
            **values,
        )
        if purpose == "invitation":
            await self._void(
                Key.address == address, Key.language_code.is_not_distinct_from(language_code), IS_INVITATION
            )
            # A concurrent invitation can still come first.
            statement = statement.on_conflict_do_update(
                index_elements=[Key.address, Key.language_code],
                index_where=LIVE_INVITATION,
                set_={"id": key_id, **values},
            )
        await self.session.execute(statement)
        return key_id

    async def find_link(self, token_hash: bytes) -> Key | None:
        """The single-use key of a link's token, ended or not. Consumes nothing."""
        return await self.get_one_or_none(*_link(token_hash))

    async def consume_link(self, token_hash: bytes, purpose: str, now: datetime) -> Key | None:
        """Consume the key of a link's token for `purpose`. Only one of several concurrent calls gets the key."""
        return await self._consume(now, *_live_link(token_hash, now), Key.purpose == purpose)

    async def consume_code(self, code: CodeOf, code_hashes: Sequence[str], now: datetime) -> Key | None:
        """Consume the live code of a flow whose attempt has been counted, if its hash is one of `code_hashes`."""
        return await self._consume(now, *_live_code(code, now), Key.secret_hash.in_(code_hashes))

    async def count_attempt(self, code: CodeOf, now: datetime) -> Key | None:
        """Take one attempt from the live code of a flow; None if there is no live code with an attempt left.

        Commit this before comparing the guess: concurrent attempts or a crash must not make a guess free.
        """
        statement = (
            update(Key)
            .where(*_live_code(code, now), Key.attempts_left > 0)
            .values(attempts_left=Key.attempts_left - 1)
            .returning(Key)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def give_attempt_back(self, code: CodeOf, code_hashes: Sequence[str], now: datetime) -> None:
        """Give back one counted attempt to the live code of a flow, if its hash is one of `code_hashes`."""
        right = Key.secret_hash.in_(code_hashes)
        statement = update(Key).where(*_live_code(code, now), right).values(attempts_left=Key.attempts_left + 1)
        await self.session.execute(statement)

    async def note_later_request(
        self, code: CodeOf, noted: Mapping[str, str], order: str, replaced: str, now: datetime
    ) -> None:
        """Put these fields into the payload of a flow's live code, without the one of an earlier request that is
        `replaced`. A payload whose field `order` sorts after the noted one is of a later request, and stays."""
        is_earlier = func.coalesce(Key.payload[order].astext, "") < noted[order]
        payload = Key.payload.op("-")(cast(replaced, Text)).op("||")(cast(dict(noted), JSONB))
        await self.session.execute(update(Key).where(*_live_code(code, now), is_earlier).values(payload=payload))

    async def void_keys(self, user_id: UUID, keep: Collection[str]) -> list[VoidedKey]:
        """Void every unused single-use key of the user, and every one of nobody on their address, except those of the
        purposes in `keep`.

        What another user has asked for on this address stays: its end would tell them that the address has an account.
        """
        on_account = (Key.user_id == user_id) | and_(Key.user_id.is_(None), Key.address == _address_of(user_id))
        return await self._void(Key.kind == "single_use", Key.purpose.not_in(keep), on_account)

    async def void_keys_for(self, user_id: UUID, purpose: str, *, since: datetime) -> list[VoidedKey]:
        """Void the user's unused keys of one purpose that were made at or after `since`."""
        return await self._void(Key.user_id == user_id, Key.purpose == purpose, Key.created_at >= since)

    async def void_invitation(self, user_id: UUID, language_code: str) -> list[VoidedKey]:
        """Void the user's unused invitation to this language."""
        return await self._void(Key.user_id == user_id, Key.language_code == language_code)

    async def void_invitations_by(self, inviter: UUID, language_codes: Collection[str | None]) -> list[VoidedKey]:
        """Void the unused invitations by this user to these languages; None stands for the platform."""
        to_platform = Key.language_code.is_(None) if None in language_codes else false()
        return await self._void(Key.invited_by == inviter, Key.language_code.in_(language_codes) | to_platform)

    async def invited_to_by(self, inviter: UUID) -> set[str | None]:
        """The languages that the unused invitations by this user are to; None stands for the platform."""
        statement = select(Key.language_code).where(Key.invited_by == inviter, Key.used_at.is_(None)).distinct()
        return set((await self.session.execute(statement)).scalars())

    async def _consume(self, now: datetime, *live: ColumnElement[bool]) -> Key | None:
        statement = update(Key).where(*live).values(used_at=now, end_reason="used").returning(Key)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def _void(self, *which: ColumnElement[bool]) -> list[VoidedKey]:
        # The rows stay until the clean-up, so that their mails count: voiding keys must not buy more of them.
        statement = update(Key).where(*which, Key.used_at.is_(None)).values(used_at=Key.created_at, end_reason="voided")
        voided = await self.session.execute(statement.returning(Key.id, Key.user_id, Key.purpose))
        return [to_struct(VoidedKey, row) for row in voided]


def _after_ending_codes(
    address: str, purpose: str, flow_hash: str, attempts: int, continued: UUID | None, displaced: Collection[UUID]
) -> dict[str, object]:
    """The flow and the attempts of a key to insert, as expressions that first end the codes which the key replaces.

    One statement does all. The expressions read the result of the update, so that it is done before the insertion. The
    update waits for guesses that are being counted, so that a new code gives none of them back.
    """
    ended = (
        update(KEYS)
        .where(
            KEYS.c.kind == "single_use",
            KEYS.c.address == address,
            KEYS.c.purpose == purpose,
            or_(KEYS.c.flow_hash == flow_hash, KEYS.c.id.in_(displaced)),
            KEYS.c.used_at.is_(None),
        )
        .values(flow_hash=None)
        .returning(case((KEYS.c.id == continued, KEYS.c.attempts_left)).label("attempts_left"))
        .cte("ended")
    )
    return {
        "flow_hash": select(case((func.count() >= 0, flow_hash))).select_from(ended).scalar_subquery(),
        # LEAST and MIN skip NULL: without a continued key, all attempts.
        "attempts_left": select(func.least(attempts, func.min(ended.c.attempts_left))).scalar_subquery(),
    }
