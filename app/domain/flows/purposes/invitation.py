"""`invitation`: a link that makes its holder a user, or lets an invited user set their name and secret.

An invitation that is bound to no address is the setup link of a new installation: its holder becomes the first platform
admin, once.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import record, subject_of
from app.domain.flows.ports import Services
from app.domain.flows.purpose import LiveKey, Proof, Purpose, Redeemed
from app.domain.keys.repository import KeyRepository
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.errors import Problem
from app.settings.model import Settings

NAME = "invitation"
SETUP_ADDRESS = ""
# Set in the payload where the link goes to nobody but the invited address: then using it proves that address.
MAILED = "mailed"


async def _redeem(transaction: AsyncSession, services: Services, key: LiveKey, proof: Proof) -> Redeemed:
    required = services.settings.required_profile_fields
    if key.address == SETUP_ADDRESS:
        return await _first_admin(transaction, proof, required)
    return await _invited(transaction, key, proof, required)


async def _first_admin(transaction: AsyncSession, proof: Proof, required: Sequence[str]) -> Redeemed:
    users, keys = UserRepository(session=transaction), KeyRepository(session=transaction)
    if await users.lock_admins():
        raise Problem("key_not_usable")
    if await keys.owner_of(proof.address.unique) is not None:
        raise Problem("email_taken", "Make that user a platform admin with `ostiary users grant-admin`.")
    user = await users.add(
        User(
            email=proof.address.written,
            name=proof.name,
            platform_role="admin",
            # Who holds the setup link runs the service, and names their own address. Unproved, it would cost them their
            # secret when they first sign in by mail.
            email_verified_at=proof.now,
            created_at=proof.now,
            updated_at=proof.now,
        )
    )
    await keys.add_primary(user.id, proof.address.unique, proof.secret_hash, proof.now)
    for action in ("user.create", "user.grant_admin", *(["key.set_secret"] if proof.secret_hash else [])):
        await record(transaction, action, subject_of("user", user.id))
    await users.finish_onboarding(user.id, required, proof.now)
    return Redeemed(user.id, user.platform_role)


async def _invited(transaction: AsyncSession, key: LiveKey, proof: Proof, required: Sequence[str]) -> Redeemed:
    users, keys = UserRepository(session=transaction), KeyRepository(session=transaction)
    user = await users.lock_account(key.user_id)
    if user is None or user.status != "active" or user.onboarded_at is not None:
        raise Problem("key_not_usable")
    if (await keys.primary_of(user.id)).secret_hash is not None:
        raise Problem("key_not_usable")
    verified = {"email_verified_at": proof.now} if MAILED in key.payload else {}
    await users.change(user.id, proof.now, name=proof.name, **verified)
    await keys.set_secret(user.id, proof.secret_hash)
    await SingleUseKeyRepository(session=transaction).void_outstanding(user.id)
    await users.finish_onboarding(user.id, required, proof.now)
    return Redeemed(user.id, user.platform_role)


def _needs(settings: Settings, key: LiveKey) -> tuple[str, ...]:
    email = ("email",) if key.address == SETUP_ADDRESS else ()
    secret = ("secret",) if settings.passwords else ()
    return (*email, "name", *secret)


def lifetime(settings: Settings) -> timedelta:
    """How long an invitation can be accepted."""
    return timedelta(seconds=settings.invitation_seconds)


PURPOSE = Purpose(
    name=NAME,
    redeem=_redeem,
    link_lifetime=lifetime,
    needs=_needs,
)
