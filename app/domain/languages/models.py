"""The tables of languages and of their members."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# Byte order, so that keyset pages and the client's own sorting of codes agree whatever the database's locale.
CODE = Text(collation="C")


class Language(Base):
    """A language, named by its BCP 47 tag, which never changes."""

    __tablename__ = "languages"
    __table_args__ = (CheckConstraint("text_direction IN ('ltr', 'rtl')", name="text_direction"),)

    code: Mapped[str] = mapped_column(CODE, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    autonym: Mapped[str] = mapped_column(Text)
    text_direction: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class LanguageMember(Base):
    """Membership is the row itself; the roles are a set beside it, which may be empty."""

    __tablename__ = "language_members"
    __table_args__ = (
        CheckConstraint("roles <@ ARRAY['admin', 'translator']", name="roles"),
        Index("ix_language_members_user_id", "user_id"),
        Index("ix_language_members_invited_by", "invited_by"),
    )

    language_code: Mapped[str] = mapped_column(CODE, ForeignKey("languages.code", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'::text[]"))
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
