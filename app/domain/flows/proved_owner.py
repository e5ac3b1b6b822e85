"""What follows from the proof that somebody reads the mail of an address."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.email_addresses import Address
from app.domain.flows.ports import Services
from app.domain.flows.purpose import Issue, LiveKey, Redeemed
from app.domain.keys.repository import KeyRepository
from app.domain.sessions.repository import SessionRepository
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.errors import Problem


async def owner_of(transaction: AsyncSession, address: Address) -> User | None:
    """The user whose primary key an address is; nothing is locked."""
    user_id = await KeyRepository(session=transaction).find_owner(address.unique)
    return await UserRepository(session=transaction).account(user_id) if user_id else None


def issue_to(user: User | None, template: str) -> Issue | None:
    """What to mail to the user who asked, by this template: nothing to nobody, and nothing to who is suspended."""
    return Issue(template, user.email, user.id, user.locale) if user and user.status == "active" else None


async def proved_owner(transaction: AsyncSession, services: Services, key: LiveKey, now: datetime) -> User:
    """The active user whose address the holder of the key has proved to read, locked.

    Where nobody had proved it before, whoever made the account may have been somebody else: the secret that they set
    and their sessions go (pre-hijacking). Raises `Problem` `key_not_usable`.
    """
    users, keys = UserRepository(session=transaction), KeyRepository(session=transaction)
    user = await users.lock_account(key.user_id)
    if user is None or user.status != "active" or (await keys.primary_of(user.id)).identifier != key.address:
        raise Problem("key_not_usable")
    if user.email_verified_at is None:
        await keys.set_secret(user.id, None)
        await SessionRepository(session=transaction).revoke_all_but(user.id, None)
        await users.change(user.id, now, email_verified_at=now)
    await users.finish_onboarding(user.id, services.settings.required_profile_fields, now)
    return user


async def sign_in_owner(transaction: AsyncSession, services: Services, key: LiveKey, now: datetime) -> Redeemed:
    """Let the proved owner in. Raises `Problem` `key_not_usable`."""
    user = await proved_owner(transaction, services, key, now)
    return Redeemed(user.id, user.platform_role)
