"""Revoking access: all sessions, outstanding single-use keys and devices of a user end together."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.domain.keys.service import void_keys
from app.domain.sessions.repository import EndReason, SessionRepository
from app.domain.users.repository import UserRepository


async def revoke_access(
    actor: Actor,
    transaction: AsyncSession,
    user_id: UUID,
    now: datetime,
    reason: EndReason,
    *,
    keep_session: UUID | None = None,
) -> None:
    """Void the user's outstanding single-use keys and their devices, and end their sessions, except `keep_session`."""
    await UserRepository(transaction).void_devices(user_id, now)
    await void_keys(actor, transaction, user_id)
    await SessionRepository(transaction).end_sessions(user_id, reason, now, keep=keep_session)
