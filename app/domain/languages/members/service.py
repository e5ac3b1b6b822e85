"""The rules of members: an admin of a language adds people by their address, and learns nothing about accounts.

Each change is one transaction that checks the admin's right again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record, subject_of
from app.auth.email_addresses import normalise_new
from app.domain.flows.end_invitations import end_invitations
from app.domain.flows.invite import InvitedTo, find_or_create_account, invitation_lifetime, mail_invitation
from app.domain.keys.service import void_invitation
from app.domain.languages.access import lock_language
from app.domain.languages.members.repository import MemberFilters, MemberRepository, page
from app.domain.languages.members.schemas import MemberView, NewMember
from app.domain.languages.repository import LanguageRepository, find_language
from app.domain.resources import Resources
from app.domain.users.repository import UserRepository
from app.errors import Problem, SubjectNotFound


async def list_members(
    resources: Resources, code: str, after: tuple[datetime, UUID] | None, limit: int, filters: MemberFilters
) -> list[MemberView]:
    """The language's members, the newest first, from after the given one. Raises `SubjectNotFound`."""
    lifetime = invitation_lifetime(resources.settings)
    members = await page(resources.database, code, after, limit, filters, lifetime)
    if not members and await find_language(resources.database, code) is None:
        raise SubjectNotFound
    return members


async def add_member(actor: Actor, resources: Resources, code: str, new: NewMember) -> UUID:
    """Add the user of an address. An address without an account is invited, a user is told. The answer is the same:
    the id of the user, who is made for a new address.

    Raises `Problem`: `validation_failed`, `forbidden`, `not_found`, `already_member`, `too_many_requests`.
    """
    address = normalise_new(new.email, resources.settings)
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "administer", code)
        to = await _invited_to(actor, transaction, code)
        user_id, _ = await find_or_create_account(actor, resources, transaction, address, locale=new.locale)
        joined = await MemberRepository(transaction).join(
            code, user_id, new.roles, actor.require_user_id(), resources.clock()
        )
        if not joined:
            raise Problem("already_member", "Change the member's roles instead.")
        await _record(actor, transaction, "member.add", user_id, code, roles=sorted(set(new.roles)))
        user = await UserRepository(transaction).get(user_id)
        invited = await mail_invitation(actor, resources, transaction, user, to, locale=new.locale)
        if not invited and user.status == "active":
            await resources.mail.enqueue(
                transaction,
                to=user.email,
                template="member_added",
                locale=user.locale or new.locale,
                values={"language": to.name, "inviter": to.inviter},
            )
    return user_id


async def set_member_roles(
    actor: Actor, resources: Resources, code: str, user_id: UUID, roles: Sequence[str]
) -> MemberView:
    """Replace a member's roles, which count from the next request. Invitations by right of a lost role end.

    A service account, which has no address to add it by, becomes a member by its first roles.

    Raises `Problem`: `forbidden`, `not_found`.
    """
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "administer", code)
        members = MemberRepository(transaction)
        changed = await members.set_roles(code, user_id, roles)
        if not changed and await UserRepository(transaction).is_service_account(user_id):
            joined = await members.join(code, user_id, roles, actor.require_user_id(), resources.clock())
            if joined:
                await _record(actor, transaction, "member.add", user_id, code, roles=sorted(set(roles)))
        member = await _existing(resources, members, code, user_id)
        if changed:
            await _record(actor, transaction, "member.set_roles", user_id, code, roles=member.roles)
        await end_invitations(actor, transaction, user_id)
        return member


async def remove_member(actor: Actor, resources: Resources, code: str, user_id: UUID) -> None:
    """Remove a member. Their invitation to the language is void, and those that they sent by right of it end.

    Raises `Problem`: `forbidden`, `not_found`.
    """
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "administer", code)
        members = MemberRepository(transaction)
        if not await members.leave(code, user_id):
            raise _no_member()
        await _record(actor, transaction, "member.remove", user_id, code)
        await void_invitation(actor, transaction, user_id, code)
        await end_invitations(actor, transaction, user_id)


async def leave_language(actor: Actor, resources: Resources, code: str) -> None:
    """End the actor's own membership, and the invitations that they sent by right of it.

    Raises `SubjectNotFound` if the actor is no member.
    """
    async with resources.database.transaction() as transaction:
        if not await MemberRepository(transaction).leave(code, actor.require_user_id()):
            raise SubjectNotFound
        await _record(actor, transaction, "member.leave", actor.require_user_id(), code)
        await end_invitations(actor, transaction, actor.require_user_id())


async def invite_member_again(actor: Actor, resources: Resources, code: str, user_id: UUID) -> None:
    """Mail a new invitation to a member who has not accepted; the link before it to the same language is void.

    The actor becomes the inviter. A member who has accepted gets no mail.

    Raises `Problem`: `forbidden`, `not_found`, `too_many_requests`.
    """
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "administer", code)
        members = MemberRepository(transaction)
        await _existing(resources, members, code, user_id)
        user, to = await UserRepository(transaction).get(user_id), await _invited_to(actor, transaction, code)
        await mail_invitation(actor, resources, transaction, user, to)
        await members.note_invitation(code, user_id, actor.require_user_id(), resources.clock())


async def _existing(resources: Resources, members: MemberRepository, code: str, user_id: UUID) -> MemberView:
    """The member. Raises `Problem` `not_found`."""
    member = await members.find(code, user_id, invitation_lifetime(resources.settings))
    if member is None:
        raise _no_member()
    return member


async def _invited_to(actor: Actor, transaction: AsyncSession, code: str) -> InvitedTo:
    """The language and the actor, as mails name them. Raises `SubjectNotFound` if there is no such language."""
    language = await LanguageRepository(transaction).get_one_or_none(code=code)
    if language is None:
        raise SubjectNotFound
    inviter = await UserRepository(transaction).find(actor.require_user_id())
    return InvitedTo(code, language.name, inviter.name if inviter else "")


async def _record(
    actor: Actor, transaction: AsyncSession, action: str, user_id: UUID, code: str, **detail: Sequence[str]
) -> None:
    await record(actor, transaction, action, subject_of("user", user_id), detail={"language": code, **detail})


def _no_member() -> Problem:
    return Problem("not_found", "This user is no member of the language.")
