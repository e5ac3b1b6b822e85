"""Locks a language, and checks the policy in the same transaction."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Subject
from app.audit import Actor
from app.auth.principal import Membership
from app.domain.languages.members.models import LanguageMember
from app.domain.languages.models import Language
from app.domain.users.access import require_in_transaction


async def lock_language(actor: Actor, transaction: AsyncSession, action: str, code: str) -> None:
    """Lock the language, and require that the policy lets `actor` do `action` on it until the transaction ends.

    A suspension, a lost role or a removed membership waits for this transaction, or this transaction sees it. Call this
    first: the contents of a language are changed by one transaction at a time, so that no two of them read the same
    version, or deadlock. Raises `Problem` `forbidden`.
    """

    async def lock_membership() -> tuple[Membership, ...]:
        statement = (
            select(LanguageMember.roles)
            .where(LanguageMember.language_code == code, LanguageMember.user_id == actor.user_id)
            .with_for_update(read=True)
        )
        roles = (await transaction.execute(statement)).scalar_one_or_none()
        return (Membership(code, tuple(roles)),) if roles is not None else ()

    await transaction.execute(select(Language.code).where(Language.code == code).with_for_update(key_share=True))
    subject = Subject("Language", {"code": code})
    await require_in_transaction(actor, transaction, action, subject, lock_memberships=lock_membership)
