"""Renaming the primary key: the account stays, its address changes."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import record, subject_of
from app.domain.flows.purpose import LiveKey
from app.domain.keys.repository import KeyRepository
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.sessions.repository import SessionRepository
from app.domain.users.repository import UserRepository
from app.errors import Problem


class Before(Struct, frozen=True):
    """The account as it was: `address` is the unique form of the address that was replaced, `email` the written one."""

    user_id: UUID
    platform_role: str | None
    locale: str | None
    address: str
    email: str


async def rename(transaction: AsyncSession, key: LiveKey, now: datetime, *, displaces: bool = False) -> Before:
    """Give the key's user the key's address; all their sessions and outstanding keys end.

    With `displaces` an account that was invited by the address, and that nobody has accepted, goes. Raises `Problem`:
    `key_not_usable`, `email_taken`.
    """
    users, keys = UserRepository(session=transaction), KeyRepository(session=transaction)
    taken = await keys.owner_of(key.address)
    user = await users.lock_account(key.user_id)
    if user is None or user.status != "active":
        raise Problem("key_not_usable")
    if taken is not None:
        if not (displaces and await users.remove_invited(taken)):
            raise Problem("email_taken", "This address has got an account meanwhile.")
        await record(transaction, "user.delete", subject_of("user", taken))
    primary = await keys.primary_of(user.id)
    before = Before(user.id, user.platform_role, user.locale, primary.identifier, user.email)
    await SingleUseKeyRepository(session=transaction).void_outstanding(user.id)
    await keys.rename_primary(user.id, key.address)
    await users.change(user.id, now, email=key.payload["email"], email_verified_at=now)
    await SessionRepository(session=transaction).revoke_all_but(user.id, None)
    return before
