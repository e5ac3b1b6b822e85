"""Changing the address of an account: a code to the new address, and a link at the old address that undoes it."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record, subject_of
from app.domain.flows.issue_link import issue_link
from app.domain.flows.membership_repository import copy_memberships
from app.domain.flows.purpose import IssueKey, KeyRequest, LiveKey, Redeemed, Redemption, key_not_usable
from app.domain.flows.revoke_access import revoke_access
from app.domain.flows.verify_email import user_of_address
from app.domain.keys.repository import KeyRepository
from app.domain.keys.service import EMAIL_CHANGE_UNDO, set_secret, void_keys_for
from app.domain.resources import Resources
from app.domain.users.repository import UserRepository
from app.errors import Problem

UNDO_LIFETIME = timedelta(days=7)


class PreviousAddress(Struct, frozen=True):
    """The account before its address changed: `address` is the normalised form, `email` the form as written."""

    user_id: UUID
    platform_role: str | None
    locale: str | None
    address: str
    email: str


async def request_email_change(_: Resources, transaction: AsyncSession, request: KeyRequest) -> IssueKey | None:
    """The code to mail to the new address; none if it is the user's present one, as it is written.

    It may be the present address in another case, and that of an account that was only invited. For an address that
    another account has, the key is issued and not mailed: the user's list of keys shows what they have asked for, and
    must not tell which addresses have an account.
    """
    users, written = UserRepository(transaction), request.address.written
    user, owner = await users.find(request.user_id), await user_of_address(transaction, request.address)
    if user is None or user.status != "active":
        return None
    own = owner is not None and owner.id == user.id
    if own and user.email == written:
        return None
    free = own or owner is None or await users.is_displaceable(owner.id)
    return IssueKey("email_change", written, user.id, user.locale, {"email": written}, mailed=free)


async def change_email(
    actor: Actor, resources: Resources, transaction: AsyncSession, key: LiveKey, redemption: Redemption
) -> Redeemed:
    """Give the account the new address, and mail the undo link to the old one.

    An account that was only invited by the new address is deleted, and its memberships become the user's.
    Raises `Problem`: `key_not_usable` if the actor is not the user who requested the change, `email_taken`.
    """
    if actor.user_id is None or actor.user_id != key.user_id:
        raise key_not_usable()
    previous = await _replace_address(actor, transaction, key, redemption.now, with_memberships=True)
    await _offer_undo(actor, resources, transaction, previous, key.payload["email"])
    return Redeemed(previous.user_id, previous.platform_role)


async def undo_email_change(
    actor: Actor, _: Resources, transaction: AsyncSession, key: LiveKey, redemption: Redemption
) -> Redeemed:
    """Put the old address back and remove the secret, which a thief of the account may have set.

    The undo links of later changes went to the thief, and are voided. The account is as before the change: it gets no
    memberships that the old address was invited to meanwhile. Raises `Problem`: `key_not_usable`, `email_taken`.
    """
    previous = await _replace_address(actor, transaction, key, redemption.now, with_memberships=False)
    await set_secret(actor, transaction, previous.user_id, None)
    await void_keys_for(actor, transaction, previous.user_id, EMAIL_CHANGE_UNDO, since=key.created_at)
    return Redeemed(previous.user_id, previous.platform_role)


async def _replace_address(
    actor: Actor, transaction: AsyncSession, key: LiveKey, now: datetime, *, with_memberships: bool
) -> PreviousAddress:
    """Give the key's user the key's address; all their sessions and outstanding keys end.

    An account that was only invited by this address is deleted; `with_memberships` gives its memberships to the user.
    """
    users, keys = UserRepository(transaction), KeyRepository(transaction)
    taken_by = await keys.lock_address(key.address)
    user = await users.lock(key.user_id)
    if user is None or user.status != "active":
        raise key_not_usable()
    if taken_by is not None and taken_by != user.id:
        memberships = await copy_memberships(transaction, taken_by, user.id) if with_memberships else ()
        if not await users.displace(taken_by):
            raise Problem("email_taken", "This address has got an account meanwhile.")
        await record(actor, transaction, "user.delete", subject_of("user", taken_by))
        for added in memberships:
            detail = {"language": added.language, "roles": added.roles}
            await record(actor, transaction, "member.add", subject_of("user", user.id), detail=detail)
    primary = await keys.lock_primary(user.id)
    previous = PreviousAddress(user.id, user.platform_role, user.locale, primary.identifier, user.email)
    # Before the address changes, because outstanding keys are also found by the old address.
    await revoke_access(actor, transaction, user.id, now, "email_changed")
    await keys.rename_primary(user.id, key.address)
    await record(actor, transaction, "key.rename", subject_of("user", user.id))
    await users.change(user.id, now, email=key.payload["email"], email_verified_at=now)
    return previous


async def _offer_undo(
    actor: Actor, resources: Resources, transaction: AsyncSession, previous: PreviousAddress, new_email: str
) -> None:
    """Mail the undo link to the previous address."""
    expires_at = resources.clock() + UNDO_LIFETIME
    link = await issue_link(
        actor,
        resources,
        transaction,
        purpose=EMAIL_CHANGE_UNDO,
        address=previous.address,
        user_id=previous.user_id,
        expires_at=expires_at,
        payload={"email": previous.email},
    )
    await resources.mail.enqueue(
        transaction,
        to=previous.email,
        template="email_changed",
        locale=previous.locale,
        values={"link": link, "new_address": new_email},
        expires_at=expires_at,
    )
