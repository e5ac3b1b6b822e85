"""The tables of sessions: those that are live or have expired, and those that have ended."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base, new_id


class Session(Base):
    """One signed-in client. Its token is in the client's cookie; here is only the token's SHA-256.

    The latest renewal has replaced the token of `previous_token_hash` at `replaced_at`; until then the user had
    authenticated at `previous_authenticated_at`.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash_sha256"),
        CheckConstraint("idle_expires_at <= expires_at", name="idle_within_absolute"),
        Index("ix_sessions_user_id", "user_id"),
        Index("ix_sessions_idle_expires_at", "idle_expires_at"),
        Index(
            "uq_sessions_previous_token_hash",
            "previous_token_hash",
            unique=True,
            postgresql_where=text("previous_token_hash IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    method: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    authenticated_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    idle_expires_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ip: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
    previous_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_authenticated_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]


class EndedSession(Base):
    """A session that has ended, and why, for the client that still presents its token.

    No foreign key: a row with one locks the user, and ending a session locks the session first.
    """

    __tablename__ = "ended_sessions"
    __table_args__ = (
        Index("ix_ended_sessions_ended_at", "ended_at"),
        Index("ix_ended_sessions_session_id", "session_id"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[UUID]
    user_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime]
