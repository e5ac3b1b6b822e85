"""Checks the policy inside a transaction, because a right can be lost between the guard and the write."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Subject
from app.audit import OPERATOR, Actor
from app.auth.principal import Membership, Principal
from app.domain.users.repository import UserRepository
from app.errors import Problem
from app.guards.policy import ability_for

# Reads and locks the memberships that a question needs. It is called after the user is locked: with this order, two
# transactions cannot deadlock.
LockMemberships: TypeAlias = Callable[[], Awaitable[tuple[Membership, ...]]]


async def require_in_transaction(
    actor: Actor,
    transaction: AsyncSession,
    action: str,
    subject: Subject,
    field: str | None = None,
    lock_memberships: LockMemberships | None = None,
) -> None:
    """Require that the policy lets `actor` do `action` on `subject`, or on one field of it, until the transaction ends.

    The actor's account gets a shared lock, so that a suspension, a lost role or a deletion waits for this transaction,
    or this transaction sees it. The operator may do everything. Raises `Problem` `forbidden`.
    """
    if actor is OPERATOR:
        return
    user = await UserRepository(transaction).lock_principal(actor.require_user_id())
    memberships = await lock_memberships() if lock_memberships else ()
    decision = ability_for(Principal(user, memberships=memberships)).decide(action, subject, field)
    if not decision.allowed:
        raise Problem("forbidden", decision.reason or "")
