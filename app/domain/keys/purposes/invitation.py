"""`invitation`: a link that makes its holder a user, or lets an invited user set their name and secret.

An invitation that is bound to no address is the setup link of a new installation: its holder becomes the first platform
admin, once.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.keys.purpose import LiveKey, Proof, Purpose, Redeemed
from app.domain.keys.repository import KeyRepository
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.errors import Problem

NAME = "invitation"
SETUP_ADDRESS = ""


async def _redeem(transaction: AsyncSession, key: LiveKey, proof: Proof) -> Redeemed:
    if key.address == SETUP_ADDRESS:
        return await _first_admin(transaction, proof)
    return await _invited(transaction, key, proof)


async def _first_admin(transaction: AsyncSession, proof: Proof) -> Redeemed:
    users = UserRepository(session=transaction)
    if await users.lock_admins():
        raise Problem("key_not_usable")
    user = await users.add(
        User(
            email=proof.address.written,
            name=proof.name,
            platform_role="admin",
            onboarded_at=proof.now,
            created_at=proof.now,
            updated_at=proof.now,
        )
    )
    keys = KeyRepository(session=transaction)
    if not await keys.add_primary(user.id, proof.address.unique, proof.secret_hash, proof.now):
        raise Problem("email_taken", "Make that user a platform admin with `ostiary users grant-admin`.")
    return Redeemed(user.id, user.platform_role)


async def _invited(transaction: AsyncSession, key: LiveKey, proof: Proof) -> Redeemed:
    users, keys = UserRepository(session=transaction), KeyRepository(session=transaction)
    if key.user_id is None:
        raise Problem("key_not_usable")
    active, role = await users.lock_active(key.user_id)
    if not active or (await keys.primary_of(key.user_id)).secret_hash is not None:
        raise Problem("key_not_usable")
    await users.finish_profile(key.user_id, proof.name, proof.now)
    await keys.set_secret(key.user_id, proof.secret_hash)
    await keys.void_outstanding(key.user_id)
    return Redeemed(key.user_id, role)


PURPOSE = Purpose(
    name=NAME,
    lifetime=lambda settings: timedelta(seconds=settings.invitation_seconds),
    redeem=_redeem,
)
