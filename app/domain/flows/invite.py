"""Inviting people: creates accounts without a password, and mails the links that complete them."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.auth.email_addresses import Address, normalise
from app.domain.flows.create_account import create_account
from app.domain.flows.issue_link import issue_link
from app.domain.keys.repository import KeyRepository
from app.domain.resources import Resources
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.rate_limits import Use
from app.settings.model import Settings

INVITATION = "invitation"
# Fields in the payload of an invitation. `MAILED`: the link went to nobody but the invited address, so that redeeming
# it proves the address. `LANGUAGE`: the name of the language that the invitation is to. `INVITER`: the name of
# the inviting person.
MAILED = "mailed"
LANGUAGE = "language"
INVITER = "inviter"


class InvitedTo(NamedTuple):
    """The language that an invitation is to, and the name of the inviting person, for the mail."""

    code: str
    name: str
    inviter: str


def invitation_lifetime(settings: Settings) -> timedelta:
    """How long an invitation can be accepted."""
    return timedelta(seconds=settings.invitation_seconds)


async def find_or_create_account(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    address: Address,
    *,
    name: str = "",
    locale: str | None = None,
) -> tuple[UUID, bool]:
    """The user of an address, or a new account without a secret and without any right; and whether it is new.

    `name` and `locale` are those of a new account.
    """
    owner = await KeyRepository(transaction).lock_address(address.unique)
    if owner is not None and await UserRepository(transaction).lock_shared(owner):
        return owner, False
    # Without an owner, or the owner was deleted concurrently.
    created = await create_account(actor, transaction, address, now=resources.clock(), name=name, locale=locale)
    return created.id, True


async def mail_invitation(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    user: User,
    to: InvitedTo | None = None,
    *,
    locale: str | None = None,
) -> bool:
    """Mail a new link to a user who has not accepted an invitation yet; returns whether the user is one.

    `locale` is the language of the mail if the user has none.

    The only place where mail to people is caused by others: it counts against the limits of the address, of the actor
    and of the language, for every user alike. The caller mails nothing else than one notice in place of the invitation.
    The new link voids an earlier one to the same language, or to the platform, and no other.
    A service account, which has no address, is mailed nothing. Raises `Problem` `too_many_requests`.
    """
    if user.kind == "service":
        return False
    address = normalise(user.email).unique
    await resources.rate_limits.hit_all(
        Use("mail_by_others", address),
        *([Use("invitation_by_inviter", str(actor.user_id))] if actor.user_id else []),
        *([Use("invitation_by_language", to.code)] if to else []),
    )
    if await UserRepository(transaction).find_invited(user.id) is None:
        return False
    payload = {MAILED: "yes", **({LANGUAGE: to.name, INVITER: to.inviter} if to else {})}
    link = await issue_invitation(
        actor, resources, transaction, address, user.id, payload, language_code=to.code if to else None
    )
    await resources.mail.enqueue(
        transaction,
        to=user.email,
        template="invitation",
        locale=user.locale or locale,
        values={"link": link, "inviter": to.inviter if to else "", "language": to.name if to else ""},
        expires_at=resources.clock() + invitation_lifetime(resources.settings),
    )
    return True


async def issue_invitation(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    address: str,
    user_id: UUID | None,
    payload: dict[str, str],
    *,
    language_code: str | None = None,
) -> str:
    """The link of a new invitation, which voids an earlier one of the same address to the same language."""
    return await issue_link(
        actor,
        resources,
        transaction,
        purpose=INVITATION,
        address=address,
        user_id=user_id,
        expires_at=resources.clock() + invitation_lifetime(resources.settings),
        payload=payload,
        language_code=language_code,
        invited_by=actor.user_id,
    )
