"""Verifying an email address: what follows when somebody proves that they read the mail of an address."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.auth.email_addresses import Address
from app.domain.flows.purpose import IssueKey, KeyRequest, LiveKey, Redeemed, Redemption, issue_to, key_not_usable
from app.domain.keys.repository import KeyRepository
from app.domain.keys.service import set_secret
from app.domain.resources import Resources
from app.domain.sessions.devices import DeviceOwner
from app.domain.sessions.repository import EndReason, SessionRepository
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.postgres.rows import to_struct


async def user_of_address(transaction: AsyncSession, address: Address) -> User | None:
    """The user whose primary key has this address, without a lock."""
    user_id = await KeyRepository(transaction).find_user_id(address.unique)
    return await UserRepository(transaction).find(user_id) if user_id else None


def key_for_user(template: str) -> Callable[[Resources, AsyncSession, KeyRequest], Awaitable[IssueKey | None]]:
    """The `request` of a purpose that mails a key to the user of an address, with this template, and to nobody else."""

    async def request_key(_: Resources, transaction: AsyncSession, request: KeyRequest) -> IssueKey | None:
        return issue_to(await user_of_address(transaction, request.address), template)

    return request_key


async def verify_email(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    key: LiveKey,
    redemption: Redemption,
    *,
    ending: EndReason = "revoked",
) -> User:
    """Mark the key's address as verified, and return its active user, locked.

    If nobody had verified the address before, a stranger may have created the account: the secret, the sessions
    and the devices that it has are removed (account pre-hijacking); `ending` is why the sessions end.
    Raises `Problem` `key_not_usable`.
    """
    users, now = UserRepository(transaction), redemption.now
    user = await users.lock(key.user_id)
    if user is None or user.status != "active":
        raise key_not_usable()
    if (await KeyRepository(transaction).lock_primary(user.id)).identifier != key.address:
        raise key_not_usable()
    if user.email_verified_at is None:
        await set_secret(actor, transaction, user.id, None)
        await SessionRepository(transaction).end_sessions(user.id, ending, now)
        await users.change(user.id, now, email_verified_at=now, devices_since=now)
    if user.onboarded_at is None:
        await users.finish_onboarding(user.id, resources.settings.required_profile_fields, now)
    return user


async def sign_in_by_email(
    actor: Actor, resources: Resources, transaction: AsyncSession, key: LiveKey, redemption: Redemption
) -> Redeemed:
    """Verify the address, and return its user, for a new session. Raises `Problem` `key_not_usable`."""
    user = await verify_email(actor, resources, transaction, key, redemption)
    return Redeemed(user.id, user.platform_role, to_struct(DeviceOwner, user, user_id=user.id))
