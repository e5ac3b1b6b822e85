"""The policy asked again inside a transaction, where the right could be lost between the guard and the write."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Subject
from app.auth.principal import Principal, PrincipalUser
from app.domain.users.models import User
from app.errors import Problem
from app.guards.policy import ability_for


async def active_user(transaction: AsyncSession, user_id: UUID) -> PrincipalUser | None:
    """The user as the policy sees them, held fast until the transaction ends; None where they are not active.

    A suspension, a change of role or a deletion waits for this transaction, or this one sees it.
    """
    statement = (
        select(User.id, User.email, User.name, User.phone, User.platform_role, User.onboarded_at)
        .where(User.id == user_id, User.status == "active")
        .with_for_update(read=True)
    )
    row = (await transaction.execute(statement)).one_or_none()
    return PrincipalUser(*row) if row else None


async def require(transaction: AsyncSession, actor: UUID, action: str, user_id: UUID, field: str | None = None) -> None:
    """Hold the actor fast, and check that they may do `action` to the user, or to one field of them.

    Raises `Problem` `forbidden`.
    """
    principal = Principal(user=await active_user(transaction, actor))
    decision = ability_for(principal).decide(action, Subject("User", {"id": str(user_id)}), field)
    if not decision.allowed:
        raise Problem("forbidden", decision.reason or "")
