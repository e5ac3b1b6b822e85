"""Inviting people: creates accounts without a password, and mails the links that complete them."""

from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.auth.email_addresses import Address
from app.domain.flows.create_account import create_account
from app.domain.flows.issue_link import issue_link
from app.domain.keys.repository import KeyRepository
from app.domain.keys.service import void_keys_for
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.resources import Resources
from app.domain.users.repository import UserRepository
from app.settings.model import Settings

INVITATION = "invitation"
# Fields in the payload of an invitation. `MAILED`: the link went to nobody but the invited address, so that redeeming
# it proves the address. `LANGUAGE`: the name of the language that the invitation is to.
MAILED = "mailed"
LANGUAGE = "language"


class Invited(Struct, frozen=True):
    """The user of an invited address: whether the invitation has created the account, and whether it was mailed."""

    user_id: UUID
    created: bool
    mailed: bool


def invitation_lifetime(settings: Settings) -> timedelta:
    """How long an invitation can be accepted."""
    return timedelta(seconds=settings.invitation_seconds)


async def invite(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    address: Address,
    *,
    name: str = "",
    language: str | None = None,
    inviter: str = "",
) -> Invited:
    """Find the user of an address, or create an account without a secret and without any right.

    A user who has not accepted an invitation yet is mailed a new link. `language` is the name of the language that the
    invitation is to, if any, for the key and the mail; `inviter` is the name of the inviting person, for the mail.
    """
    users = UserRepository(transaction)
    owner = await KeyRepository(transaction).lock_address(address.unique)
    if owner is not None and not await users.lock_shared(owner):
        owner = None  # deleted concurrently
    now = resources.clock()
    user_id = owner or (await create_account(actor, transaction, address, now=now, name=name)).id
    waiting = await users.find_invited(user_id)
    if waiting is not None:
        payload = {MAILED: "yes"}
        keys = SingleUseKeyRepository(transaction)
        # An invitation to the platform stays one: admins of languages can withdraw only invitations to languages.
        if language and not await keys.has_live_key_without(address.unique, INVITATION, LANGUAGE, now):
            payload[LANGUAGE] = language
        expires_at = now + invitation_lifetime(resources.settings)
        link = await issue_invitation(actor, resources, transaction, address.unique, user_id, payload)
        await resources.mail.enqueue(
            transaction,
            to=waiting.email,
            template="invitation",
            locale=waiting.locale,
            values={"link": link, "inviter": inviter, "language": language or ""},
            expires_at=expires_at,
        )
    return Invited(user_id, created=owner is None, mailed=waiting is not None)


async def withdraw_invitation(actor: Actor, transaction: AsyncSession, user_id: UUID) -> None:
    """Void the user's outstanding invitation, if it is to a language."""
    await void_keys_for(actor, transaction, user_id, INVITATION, payload_field=LANGUAGE)


async def issue_invitation(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    address: str,
    user_id: UUID | None,
    payload: dict[str, str],
) -> str:
    """The link of a new invitation, which voids an earlier one of the same address."""
    return await issue_link(
        actor,
        resources,
        transaction,
        purpose=INVITATION,
        address=address,
        user_id=user_id,
        expires_at=resources.clock() + invitation_lifetime(resources.settings),
        payload=payload,
    )
