"""The table of members."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.languages.models import CODE
from app.guards.roles import LANGUAGE_ROLES
from app.postgres.base import Base, sql_list


class LanguageMember(Base):
    """One membership. The roles are a set, which may be empty: a plain member."""

    __tablename__ = "language_members"
    __table_args__ = (
        CheckConstraint(f"roles <@ ARRAY[{sql_list(LANGUAGE_ROLES)}]", name="roles"),
        Index("ix_language_members_user_id", "user_id"),
        Index("ix_language_members_invited_by", "invited_by"),
        Index("ix_language_members_language_code_created_at", "language_code", "created_at", "user_id"),
    )

    language_code: Mapped[str] = mapped_column(CODE, ForeignKey("languages.code", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'::text[]"))
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    # When the last invitation was sent; NULL if there was none after the first, at `created_at`.
    invited_at: Mapped[datetime | None]
