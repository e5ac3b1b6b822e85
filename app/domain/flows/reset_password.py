"""Resetting the password by mail. All sessions and outstanding keys of the user end."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.domain.flows.purpose import LiveKey, Redeemed, Redemption
from app.domain.flows.revoke_access import revoke_access
from app.domain.flows.verify_email import verify_email
from app.domain.keys.service import set_secret
from app.domain.resources import Resources


async def reset_password(
    actor: Actor, resources: Resources, transaction: AsyncSession, key: LiveKey, redemption: Redemption
) -> Redeemed:
    """Set the new secret, revoke all access, and tell the user by mail. Raises `Problem` `key_not_usable`."""
    user = await verify_email(actor, resources, transaction, key, redemption, ending="secret_changed")
    await set_secret(actor, transaction, user.id, redemption.secret_hash)
    await revoke_access(actor, transaction, user.id, redemption.now, "secret_changed")
    await resources.mail.enqueue(transaction, to=user.email, template="secret_changed", locale=user.locale, values={})
    return Redeemed(user.id, user.platform_role)
