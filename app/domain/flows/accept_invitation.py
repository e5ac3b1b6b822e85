"""Accepting an invitation: an invited person completes their account, or the first platform admin creates theirs."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.domain.flows.create_account import create_account
from app.domain.flows.invite import MAILED, issue_invitation
from app.domain.flows.purpose import LiveKey, Redeemed, Redemption, key_not_usable
from app.domain.keys.repository import KeyRepository
from app.domain.keys.service import set_secret, void_keys
from app.domain.resources import Resources
from app.domain.users.repository import UserRepository
from app.errors import Problem
from app.settings.model import Settings

# The setup link is bound to no address: its holder enters their own.
SETUP_ADDRESS = ""


async def new_setup_link(actor: Actor, resources: Resources) -> str | None:
    """A new setup link, which voids the link before it; None if there is a platform admin already."""
    async with resources.database.transaction() as transaction:
        if await UserRepository(transaction).count_admins():
            return None
        return await issue_invitation(actor, resources, transaction, SETUP_ADDRESS, None, {})


def needed_fields(settings: Settings, key: LiveKey) -> tuple[str, ...]:
    """The fields that accepting needs: the address for the setup link, the name unless the user has one, and the secret
    if there are passwords."""
    email = ("email",) if key.address == SETUP_ADDRESS else ()
    name = () if key.name else ("name",)
    secret = ("secret",) if settings.passwords else ()
    return (*email, *name, *secret)


async def accept_invitation(
    actor: Actor, resources: Resources, transaction: AsyncSession, key: LiveKey, redemption: Redemption
) -> Redeemed:
    """Complete the invited account, or create the first platform admin. Raises `Problem`: `key_not_usable`,
    `email_taken`."""
    if key.address == SETUP_ADDRESS:
        redeemed = await _create_first_admin(actor, transaction, redemption)
    else:
        redeemed = await _complete_account(actor, transaction, key, redemption)
    required = resources.settings.required_profile_fields
    await UserRepository(transaction).finish_onboarding(redeemed.user_id, required, redemption.now)
    return redeemed


async def _create_first_admin(actor: Actor, transaction: AsyncSession, redemption: Redemption) -> Redeemed:
    if await UserRepository(transaction).lock_admins():
        raise key_not_usable()
    if await KeyRepository(transaction).lock_address(redemption.address.unique) is not None:
        raise Problem("email_taken", "Make that user a platform admin with `ostiary users grant-admin`.")
    user = await create_account(
        actor,
        transaction,
        redemption.address,
        now=redemption.now,
        name=redemption.name,
        phone=redemption.phone,
        locale=redemption.locale,
        platform_role="admin",
        secret_hash=redemption.secret_hash,
        # The holder of the setup link runs the service and names their own address. An unverified address would cost
        # them their secret at their first sign-in by mail.
        verified=True,
    )
    return Redeemed(user.id, user.platform_role)


async def _complete_account(actor: Actor, transaction: AsyncSession, key: LiveKey, redemption: Redemption) -> Redeemed:
    users = UserRepository(transaction)
    user = await users.lock(key.user_id)
    if user is None or user.status != "active" or user.onboarded_at is not None:
        raise key_not_usable()
    if (await KeyRepository(transaction).lock_primary(user.id)).secret_hash is not None:
        raise key_not_usable()
    verified = {"email_verified_at": redemption.now} if MAILED in key.payload else {}
    sent = {"name": redemption.name or None, "phone": redemption.phone, "locale": redemption.locale}
    given = {field: value for field, value in sent.items() if value is not None}
    await users.change(user.id, redemption.now, **given, **verified)
    await set_secret(actor, transaction, user.id, redemption.secret_hash)
    await void_keys(actor, transaction, user.id)
    return Redeemed(user.id, user.platform_role)
