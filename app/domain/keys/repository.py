"""All SQL on primary keys, and on the list of a user's keys."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.keys.models import EMAIL, Key
from app.postgres.base import new_id, table_of
from app.postgres.repository import Repository

KEYS = table_of(Key)


class Listed(NamedTuple):
    """Which keys a list has: none of the `hidden` purposes, of the `code_only` ones those whose code works, and only
    those of `purpose`, unless it is None."""

    hidden: Collection[str]
    code_only: Collection[str]
    purpose: str | None


class KeyRepository(Repository[Key]):
    """Primary keys, and the list of a user's keys, in one transaction."""

    model_type = Key

    async def add_primary(self, user_id: UUID, address: str, secret_hash: str | None, now: datetime) -> bool:
        """Give the user their primary key; False if the address has one already."""
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

    async def lock_address(self, address: str) -> UUID | None:
        """Keep other transactions from taking this address; returns the id of the user who has it, if any."""
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(address, 0))))
        return await self.find_user_id(address)

    async def find_user_id(self, address: str) -> UUID | None:
        """The id of the user whose primary key has this address, without a lock."""
        statement = select(Key.user_id).where(Key.provider == EMAIL, Key.identifier == address)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock_primary(self, user_id: UUID) -> Key:
        """The user's primary key, locked until the transaction ends."""
        return await self.get_one(Key.user_id == user_id, Key.kind == "primary", with_for_update=True)

    async def rename_primary(self, user_id: UUID, address: str) -> None:
        """Give the user's primary key another address, which the caller has locked with `lock_address`."""
        await self.session.execute(
            update(Key).where(Key.user_id == user_id, Key.kind == "primary").values(identifier=address)
        )

    async def set_secret(self, user_id: UUID, secret_hash: str | None) -> bool:
        """Replace the hash of the user's primary key; None removes the secret. False if nothing changed."""
        statement = (
            update(Key)
            .where(Key.user_id == user_id, Key.kind == "primary", Key.secret_hash.is_distinct_from(secret_hash))
            .values(secret_hash=secret_hash)
            .returning(Key.id)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def lock_listed(self, key_id: UUID, user_id: UUID, hidden: Collection[str]) -> Key | None:
        """One key of this user, ended or not, locked; None if there is none outside the `hidden` purposes."""
        statement = select(Key).where(Key.id == key_id, Key.user_id == user_id, _is_none_of(hidden))
        return (await self.session.execute(statement.with_for_update())).scalar_one_or_none()

    async def void(self, key_id: UUID) -> None:
        """Void a single-use key. The row stays until the clean-up, so that its mail counts."""
        await self.session.execute(
            update(Key).where(Key.id == key_id).values(used_at=Key.created_at, end_reason="voided")
        )

    async def page(self, user_id: UUID, now: datetime, after: UUID | None, limit: int, listed: Listed) -> list[Key]:
        """The usable keys of the user that are `listed`, in the order of their creation."""
        usable = (
            Key.used_at.is_(None),
            func.coalesce(Key.expires_at > now, True),
            or_(_is_none_of(listed.code_only), and_(Key.flow_hash.is_not(None), Key.attempts_left > 0)),
        )
        which = (Key.user_id == user_id, _is_none_of(listed.hidden), *usable)
        statement = select(Key).where(*which).order_by(Key.id).limit(limit)
        if listed.purpose is not None:
            statement = statement.where(Key.purpose == listed.purpose)
        if after is not None:
            statement = statement.where(Key.id > after)
        return list((await self.session.execute(statement)).scalars())


def _is_none_of(purposes: Collection[str]) -> ColumnElement[bool]:
    return or_(Key.purpose.is_(None), Key.purpose.not_in(purposes))
