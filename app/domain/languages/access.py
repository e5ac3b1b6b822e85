"""The policy asked again inside a transaction, where the right could be lost between the guard and the write."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Subject
from app.auth.principal import Membership, Principal
from app.domain.languages.models import Language, LanguageMember
from app.domain.users.access import active_user
from app.errors import Problem
from app.guards.policy import ability_for


async def require(transaction: AsyncSession, user_id: UUID, action: str, code: str) -> None:
    """Hold the user's rights on the language fast until the transaction ends, and check that they allow `action`.

    A suspension, a lost role or a removed membership waits for this transaction, or this one sees it. Raises `Problem`
    `forbidden`. To be called first: what is in a language changes one transaction at a time, so no two of them can see
    the same version, or block each other for good.
    """
    await transaction.execute(select(Language.code).where(Language.code == code).with_for_update(key_share=True))
    user = await active_user(transaction, user_id)
    statement = (
        select(LanguageMember.roles)
        .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id)
        .with_for_update(read=True)
    )
    roles = (await transaction.execute(statement)).scalar_one_or_none()
    memberships = (Membership(code, tuple(roles)),) if roles is not None else ()
    decision = ability_for(Principal(user=user, memberships=memberships)).decide(
        action, Subject("Language", {"code": code})
    )
    if not decision.allowed:
        raise Problem("forbidden", decision.reason or "")
