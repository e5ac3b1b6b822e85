"""Audit events: who did what to whom, written in the transaction that does it. The table only grows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Index, Text, func, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base, new_id
from app.postgres.database import Database

Transaction: TypeAlias = AsyncSession | async_scoped_session[AsyncSession]

# What is recorded. The subject is a user, a key that has no user, or a language.
ACTIONS: Mapping[str, str] = {
    "key.issue": "A one-time code or link was made, and one before it for the same voided; `purpose` says for what.",
    "key.use": "A one-time code or link was used.",
    "key.revoke": "A one-time code or link was voided before it was used.",
    "key.set_secret": "A secret was set or changed.",
    "key.clear_secret": "A secret was taken away.",
    "key.rename": "The address that signs in was changed.",
    "session.start": "Somebody signed in; `method` says how.",
    "session.end_all": "A platform admin ended all sessions of the user.",
    "user.create": "An account was made.",
    "user.change": "A profile was changed; `fields` says what of it.",
    "user.suspend": "An account was suspended.",
    "user.restore": "A suspension was undone.",
    "user.grant_admin": "The platform role was granted.",
    "user.revoke_admin": "The platform role was taken away.",
    "user.delete": "An account was deleted.",
    "member.add": "The user was added to a language; `language` and `roles` say which.",
    "member.set_roles": "The roles of a member were replaced.",
    "member.remove": "A member was removed.",
    "member.leave": "A member left.",
    "language.create": "A language was created or imported.",
    "language.change": "A language was changed; `fields` says what of it.",
    "language.delete": "A language was deleted.",
}


class AuditEvent(Base):
    """One thing that was done. Nothing here refers to a row, because events outlive what they are about."""

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
    """Who acts, and from where: all unknown for commands and scheduled jobs."""

    user_id: UUID | None = None
    session_id: UUID | None = None
    ip: str | None = None


class Filters(Struct, frozen=True):
    """What a list of events is limited to."""

    action: str | None = None
    subject: str | None = None
    actor_id: UUID | None = None


NOBODY = Actor()
_ACTOR: ContextVar[Actor] = ContextVar("actor", default=NOBODY)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Everything recorded in the context is by this actor."""
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def current_actor() -> Actor:
    """Who acts at the moment."""
    return _ACTOR.get()


def subject_of(type_: str, id_: UUID | str) -> str:
    """How events name what they are about: `user:0b5a…`, `language:de`."""
    return f"{type_}:{id_}"


async def record(
    transaction: Transaction,
    action: str,
    *subjects: str,
    actor: Actor | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Record that `action`, one of `ACTIONS`, was done to each of the subjects: with the transaction, or not at all.

    `detail` becomes JSON and must hold no secret, token or address. Without `actor` it is the one of the context.
    """
    if action not in ACTIONS:
        raise KeyError(action)
    by = actor or _ACTOR.get()
    event = {"action": action, "actor_id": by.user_id, "session_id": by.session_id, "ip": by.ip, "detail": detail or {}}
    if subjects:
        await transaction.execute(
            insert(AuditEvent), [{**event, "id": new_id(), "subject": subject} for subject in subjects]
        )


async def page(database: Database, filters: Filters, before: UUID | None, limit: int) -> list[AuditEvent]:
    """The events of the filters, newest first, from before the given one."""
    statement = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(AuditEvent.id < before)
    for column, wanted in (
        (AuditEvent.action, filters.action),
        (AuditEvent.subject, filters.subject),
        (AuditEvent.actor_id, filters.actor_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    async with database.transaction() as transaction:
        return list((await transaction.execute(statement)).scalars())
