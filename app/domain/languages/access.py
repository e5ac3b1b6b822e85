"""Locks a language, and checks the policy in the same transaction."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Subject
from app.audit import Actor
from app.auth.principal import Membership
from app.domain.languages.members.repository import MemberRepository
from app.domain.languages.repository import LanguageRepository
from app.domain.users.access import require_in_transaction


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
