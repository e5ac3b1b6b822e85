"""Locks a language, and checks the policy in the same transaction."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Subject
from app.audit import Actor
from app.auth.principal import Membership, Principal
from app.domain.languages.members.repository import MemberRepository
from app.domain.languages.repository import LanguageRepository
from app.domain.users.access import require_in_transaction
from app.guards.policy import ability_for, is_onboarded


class Grounds(Struct, frozen=True):
    """Why the policy lets an active user with a complete profile act on a language: their roles.

    A statement that requires them of the locked rows may act without asking the policy again.
    """

    user_id: UUID
    platform_role: str | None
    roles: Sequence[str]


def grounds_of(principal: Principal, action: str, code: str) -> Grounds | None:
    """Why the policy lets the principal, as the request has read it, do `action` on the language.

    None if the policy does not, or not because of a membership of this language.
    """
    memberships = tuple([membership for membership in principal.memberships if membership.language == code])
    if principal.user is None or not memberships or not is_onboarded(principal):
        return None
    subject = Subject("Language", {"code": code})
    if not ability_for(Principal(principal.user, memberships=memberships)).can(action, subject):
        return None
    return Grounds(principal.user.id, principal.user.platform_role, memberships[0].roles)


async def lock_language(actor: Actor, transaction: AsyncSession, action: str, code: str) -> None:
    """Lock the language, and require that the policy lets `actor` do `action` on it until the transaction ends.

    A suspension, a lost role or a removed membership waits for this transaction, or this transaction sees it. Call this
    first: the contents of a language are changed by one transaction at a time, so that no two of them read the same
    version, or deadlock. Raises `Problem` `forbidden`.
    """

    async def lock_membership() -> tuple[Membership, ...]:
        roles = await MemberRepository(transaction).lock_roles(code, actor.require_user_id())
        return (Membership(code, tuple(roles)),) if roles is not None else ()

    await LanguageRepository(transaction).lock(code)
    subject = Subject("Language", {"code": code})
    await require_in_transaction(actor, transaction, action, subject, lock_memberships=lock_membership)
