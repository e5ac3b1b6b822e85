"""The table of users."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base


class User(Base):
    """A person's account. `email` is kept as written, for display; the primary key's identifier is the unique form.

    The id is random (UUIDv4): members of a language see each other's, and that of an account made by an invitation must
    look like any other (RFC 9562 section 8).
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("platform_role IN ('admin')", name="platform_role"),
        CheckConstraint("status IN ('active', 'suspended')", name="status"),
        CheckConstraint(r"phone ~ '^\+[1-9][0-9]{1,14}$'", name="phone_e164"),
        Index("ix_users_platform_role", "platform_role", postgresql_where=text("platform_role IS NOT NULL")),
        Index("ix_users_created_at_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="", server_default="")
    phone: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)
    platform_role: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="active", server_default="active")
    suspension_reason: Mapped[str | None] = mapped_column(Text)
    email_verified_at: Mapped[datetime | None]
    onboarded_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
