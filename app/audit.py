"""Audit events: who did what to whom, written in the transaction that does it. Rows are only ever added."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Index, Interval, Text, bindparam, func, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import Problem
from app.postgres.base import Base, new_id

# Anonymous clients cause these actions as often as the limits of their networks allow. Of each user, and of all keys
# that belong to nobody yet, `LISTED_MAX` are listed within an hour; later ones only when their number has doubled.
COUNTED_ACTIONS = frozenset({"key.issue"})
LISTED_MAX = 100
COUNTED_FOR = timedelta(hours=1)
RECORD_COUNTED = text(
    """
    WITH counted AS (
        INSERT INTO rate_limits AS r (key, hits, expires_at) VALUES (:counter, 1, now() + :counted_for)
        ON CONFLICT (key) DO UPDATE
           SET hits = CASE WHEN r.expires_at <= now() THEN 1 ELSE r.hits + 1 END,
               expires_at = CASE WHEN r.expires_at <= now() THEN excluded.expires_at ELSE r.expires_at END
        RETURNING hits
    )
    INSERT INTO audit_events (id, action, subject, ip, detail)
    SELECT :id, :action, :subject, :ip,
           CASE WHEN hits > :listed_max THEN :detail || jsonb_build_object('count', hits / 2) ELSE :detail END
      FROM counted
     WHERE hits <= :listed_max OR (hits % :listed_max = 0 AND (hits / :listed_max) & (hits / :listed_max - 1) = 0)
    """
).bindparams(bindparam("detail", type_=JSONB), bindparam("counted_for", COUNTED_FOR, Interval))


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
    # The API key that was used.
    key_id: Mapped[UUID | None]
    ip: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))


class Actor(Struct, frozen=True):
    """Who acts, and from where: the first parameter of everything that writes.

    `user_id` and `session_id` are None for an anonymous client, `ip` and `user_agent` come from the request, `token`
    is the session token that proved who they are, `cookies` the `Cookie` header of the request. `presented` are all its
    session tokens, if there are several or if one does not count. `key_id` is the API key of a service account.
    `OPERATOR` has none of them.
    """

    user_id: UUID | None = None
    session_id: UUID | None = None
    ip: str | None = None
    user_agent: str | None = None
    token: str | None = None
    cookies: str | None = None
    presented: tuple[str, ...] = ()
    key_id: UUID | None = None

    def __repr__(self) -> str:
        return f"Actor(user_id={self.user_id}, session_id={self.session_id}, key_id={self.key_id})"

    def require_user_id(self) -> UUID:
        """The actor's user id. Raises `Problem` `not_signed_in` for an anonymous client."""
        if self.user_id is None:
            raise Problem("not_signed_in")
        return self.user_id

    def as_recorded(self) -> "Actor":
        """The actor with only the fields that audit events record: a job must hold no token and no long text."""
        return Actor(self.user_id, self.session_id, self.ip, key_id=self.key_id)


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
    Past `LISTED_MAX`, one event stands for several that anonymous clients cause. The field `count` of its detail is
    their number.
    """
    if actor.user_id is None and actor.ip is not None and action in COUNTED_ACTIONS:
        for subject in subjects:
            await _record_counted(actor, transaction, action, subject, detail or {})
        return
    event = {
        "action": action,
        "actor_id": actor.user_id,
        "session_id": actor.session_id,
        "key_id": actor.key_id,
        "ip": actor.ip,
        "detail": detail or {},
    }
    if subjects:
        await transaction.execute(
            insert(AuditEvent), [{**event, "id": new_id(), "subject": subject} for subject in subjects]
        )


async def _record_counted(
    actor: Actor, transaction: AsyncSession, action: str, subject: str, detail: Mapping[str, object]
) -> None:
    """Record an action of an anonymous client. Call it after all other locks: the counter is locked for the rest."""
    counted = subject if subject.startswith("user:") else "nobody"
    await transaction.execute(
        RECORD_COUNTED,
        {
            "counter": f"audit/{action}/{counted}",
            "listed_max": LISTED_MAX,
            "id": new_id(),
            "action": action,
            "subject": subject,
            "ip": actor.ip,
            "detail": dict(detail),
        },
    )
