"""Revoking access: all sessions and all outstanding single-use keys of a user end together."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.domain.keys.service import void_keys
from app.domain.sessions.repository import SessionRepository


async def revoke_access(
    actor: Actor, transaction: AsyncSession, user_id: UUID, *, keep_session: UUID | None = None
) -> None:
    """Void the user's outstanding single-use keys and end their sessions, except `keep_session`."""
    await void_keys(actor, transaction, user_id)
    await SessionRepository(transaction).end_sessions(user_id, keep=keep_session)
