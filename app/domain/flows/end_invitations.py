"""Ending the invitations of somebody who has lost the right to invite."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Ability, Subject
from app.audit import Actor, record, subject_of
from app.auth.principal import Principal
from app.domain.flows.membership_repository import end_pending_by, memberships_of, pending_by
from app.domain.keys.service import void_invitations_by
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.users.repository import UserRepository
from app.guards.policy import ability_for


async def end_invitations(actor: Actor, transaction: AsyncSession, inviter: UUID, *, every: bool = False) -> None:
    """End the invitations by this user that nobody has accepted, to all that the user may not invite to any more.

    `every` ends all of them, before the user is deleted.

    Their links are void, and the memberships that they would give are removed: a person who was invited could also
    sign in by mail. Call this in every transaction in which a user may lose a right, after the loss.
    """
    invited_to = await SingleUseKeyRepository(transaction).invited_to_by(inviter) | await pending_by(
        transaction, inviter
    )
    if not invited_to:
        return
    user = await UserRepository(transaction).lock_principal(inviter)
    ability = ability_for(Principal(user, memberships=await memberships_of(transaction, inviter)))
    lost = {code for code in invited_to if every or not _may_invite(ability, code)}
    if not lost:
        return
    await void_invitations_by(actor, transaction, inviter, lost)
    for ended in await end_pending_by(transaction, inviter, lost):
        detail = {"language": ended.language_code}
        await record(actor, transaction, "member.remove", subject_of("user", ended.user_id), detail=detail)


def _may_invite(ability: Ability, language_code: str | None) -> bool:
    """Whether the ability invites to this language; None stands for the platform."""
    if language_code is None:
        return ability.can("create", Subject("User", {}))
    return ability.can("administer", Subject("Language", {"code": language_code}))
