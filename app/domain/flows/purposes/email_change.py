"""`email_change`: a code to the new address that renames the primary key.

The old address is told, with a link that undoes the change.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.flows.change_email import rename
from app.domain.flows.ports import Services
from app.domain.flows.proved_owner import owner_of
from app.domain.flows.purpose import Asked, Issue, LiveKey, Proof, Purpose, Redeemed
from app.domain.flows.purposes import email_change_undo
from app.domain.users.repository import UserRepository
from app.errors import Problem

NAME = "email_change"


async def _ask(transaction: AsyncSession, _: Services, asked: Asked) -> Issue | None:
    user = await UserRepository(session=transaction).account(asked.user_id) if asked.user_id else None
    if user is None or user.status != "active" or await owner_of(transaction, asked.address) is not None:
        return None
    return Issue(NAME, asked.address.written, user.id, user.locale, {"email": asked.address.written})


async def _redeem(transaction: AsyncSession, services: Services, key: LiveKey, proof: Proof) -> Redeemed:
    if proof.caller is None or proof.caller != key.user_id:
        raise Problem("key_not_usable")
    before = await rename(transaction, key, proof.now)
    await email_change_undo.offer(transaction, services, before, key.payload["email"])
    return Redeemed(before.user_id, before.platform_role)


PURPOSE = Purpose(name=NAME, ask=_ask, redeem=_redeem, has_code=True, asked_by_user=True)
