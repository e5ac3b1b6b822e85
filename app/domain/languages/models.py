"""The tables of languages, their members and their translations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base

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


class Translation(Base):
    """One keyed text of a language, as it is now."""

    __tablename__ = "translations"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'approved')", name="state"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_translations_updated_by", "updated_by"),
        Index("ix_translations_language_code_updated_at", "language_code", "updated_at"),
    )

    language_code: Mapped[str] = mapped_column(CODE, ForeignKey("languages.code", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    updated_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    updated_at: Mapped[datetime]


class TranslationVersion(Base):
    """One change of a translation: what it became, by whom and when. A deletion is a change too, without a text.

    Versions go on counting after a deletion, so that an old `If-Match` never fits a new text.
    """

    __tablename__ = "translation_versions"
    __table_args__ = (Index("ix_translation_versions_changed_by", "changed_by"),)

    language_code: Mapped[str] = mapped_column(CODE, ForeignKey("languages.code", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str | None] = mapped_column(Text)
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime]
