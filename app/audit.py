"""Audit events: who did what to whom, written in the transaction that does it. Rows are only ever added."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Index, Text, func, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import Problem
from app.postgres.base import Base, new_id


class AuditEvent(Base):
    """One action on one subject. No foreign keys: an event outlives the rows that it is about."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_subject_id", "subject", "id"),
        Index("ix_audit_events_actor_id_id", "actor_id", "id"),
        Index("ix_audit_events_action_id", "action", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    # The database's time: one clock for all machines.
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    ip: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))


class Actor(Struct, frozen=True):
    """Who acts, and from where: the first parameter of everything that writes.

    `user_id` and `session_id` are None for an anonymous client, `ip` and `user_agent` come from the request, `token`
    is the session token that the request presented, `cookies` its `Cookie` header. `OPERATOR` has none of them.
    """

    user_id: UUID | None = None
    session_id: UUID | None = None
    ip: str | None = None
    user_agent: str | None = None
    token: str | None = None
    cookies: str | None = None

    def __repr__(self) -> str:
        return f"Actor(user_id={self.user_id}, session_id={self.session_id})"

    def require_user_id(self) -> UUID:
        """The actor's user id. Raises `Problem` `not_signed_in` for an anonymous client."""
        if self.user_id is None:
            raise Problem("not_signed_in")
        return self.user_id

    def as_recorded(self) -> "Actor":
        """The actor with only the fields that audit events record: a job must hold no token and no long text."""
        return Actor(self.user_id, self.session_id, self.ip)


# The operator at the command line has the database itself, so the policy does not apply. Compared with `is`: an
# anonymous `Actor()` is equal to it.
OPERATOR = Actor()


def subject_of(type_: str, id_: UUID | str) -> str:
    """The name of a subject in events: `user:0b5a…`, `language:de`."""
    return f"{type_}:{id_}"


async def record(
    actor: Actor, transaction: AsyncSession, action: str, *subjects: str, detail: Mapping[str, object] | None = None
) -> None:
    """Record that `actor` did `action` to each of `subjects`, in the same transaction as the action itself.

    A domain declares its actions in its `module.py`. `detail` becomes JSON and must hold no secret, token or address.
    """
    event = {
        "action": action,
        "actor_id": actor.user_id,
        "session_id": actor.session_id,
        "ip": actor.ip,
        "detail": detail or {},
    }
    if subjects:
        await transaction.execute(
            insert(AuditEvent), [{**event, "id": new_id(), "subject": subject} for subject in subjects]
        )
