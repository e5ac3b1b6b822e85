"""The policy asked again inside a transaction, where the right could be lost between the guard and the write."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Membership, Principal, PrincipalUser
from app.domain.languages.models import LanguageMember
from app.domain.users.models import User
from app.errors import Problem
from app.guards.ability import Subject
from app.guards.policy import ability_for


async def require(transaction: AsyncSession, user_id: UUID, action: str, code: str) -> None:
    """Hold the user's rights on the language fast until the transaction ends, and check that they allow `action`.

    A suspension, a lost role or a removed membership waits for this transaction, or this one sees it. Raises `Problem`
    `forbidden`.
    """
    user_query = (
        select(User.id, User.email, User.name, User.phone, User.platform_role, User.onboarded_at)
        .where(User.id == user_id, User.status == "active")
        .with_for_update(read=True)
    )
    member_query = (
        select(LanguageMember.roles)
        .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id)
        .with_for_update(read=True)
    )
    user = (await transaction.execute(user_query)).one_or_none()
    roles = (await transaction.execute(member_query)).scalar_one_or_none()
    principal = Principal(
        user=PrincipalUser(*user) if user else None,
        memberships=(Membership(code, tuple(roles)),) if roles is not None else (),
    )
    decision = ability_for(principal).decide(action, Subject("Language", {"code": code}))
    if not decision.allowed:
        raise Problem("forbidden", decision.reason or "")
