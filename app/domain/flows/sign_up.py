"""Signing up: the holder of an address becomes a user. No user exists before the address is proved, so that nobody can
reserve an address of somebody else."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.auth.email_addresses import Address
from app.domain.flows.create_account import create_account
from app.domain.flows.purpose import (
    IssueKey,
    KeyRequest,
    LiveKey,
    Redeemed,
    Redemption,
    SendNotice,
    issue_to,
    key_not_usable,
)
from app.domain.flows.verify_email import sign_in_by_email, user_of_address
from app.domain.keys.repository import KeyRepository
from app.domain.resources import Resources
from app.domain.users.repository import UserRepository


async def request_sign_up(
    resources: Resources, transaction: AsyncSession, request: KeyRequest
) -> IssueKey | SendNotice | None:
    """The key to mail: an address that has an account gets a sign-in, so that the requester learns nothing."""
    user = await user_of_address(transaction, request.address)
    if user is not None:
        return issue_to(user, "sign_in") if resources.settings.codes else None
    if resources.settings.sign_up != "open":
        return SendNotice("sign_up_closed", to=request.address.written)
    return _issue_to_newcomer(request)


async def request_sign_in(resources: Resources, transaction: AsyncSession, request: KeyRequest) -> IssueKey | None:
    """The key to mail: where sign-up is open, an address without an account gets a sign-up."""
    user = await user_of_address(transaction, request.address)
    if user is None and resources.settings.sign_up == "open":
        return _issue_to_newcomer(request)
    return issue_to(user, "sign_in")


async def sign_up(
    actor: Actor, resources: Resources, transaction: AsyncSession, key: LiveKey, redemption: Redemption
) -> Redeemed:
    """Create the account of the key's address, or sign in the user whom the key is bound to, whose profile stays.

    Raises `Problem` `key_not_usable`.
    """
    if key.user_id is not None:
        return await sign_in_by_email(actor, resources, transaction, key, redemption)
    settings, now = resources.settings, redemption.now
    if settings.sign_up != "open" or await KeyRepository(transaction).lock_address(key.address) is not None:
        raise key_not_usable()
    user = await create_account(
        actor,
        transaction,
        Address(written=key.payload["email"], unique=key.address),
        now=now,
        name=redemption.name,
        phone=redemption.phone,
        locale=redemption.locale,
        verified=True,
    )
    await UserRepository(transaction).finish_onboarding(user.id, settings.required_profile_fields, now)
    return Redeemed(user.id, None)


def _issue_to_newcomer(request: KeyRequest) -> IssueKey:
    written = request.address.written
    return IssueKey("sign_up", to=written, user_id=None, payload={"email": written})
