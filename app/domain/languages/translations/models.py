"""The tables of translations and their history."""

from datetime import datetime
from typing import get_args
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.languages.models import CODE
from app.domain.languages.translations.schemas import State
from app.postgres.base import Base, sql_list


class Translation(Base):
    """One keyed text of a language, as it is now."""

    __tablename__ = "translations"
    __table_args__ = (
        CheckConstraint(f"state IN ({sql_list(get_args(State))})", name="state"),
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


class DeletedLanguage(Base):
    """The last numbers in a language that was deleted: a language with the same code goes on counting after them.

    A trigger on `languages` writes it. A deleted language without changes leaves none, or those of the one before.
    """

    __tablename__ = "deleted_languages"

    code: Mapped[str] = mapped_column(CODE, primary_key=True)
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    last_version: Mapped[int]


class TranslationVersion(Base):
    """One change of a translation: what it became, by whom and when. A deletion is a change too, without a text.

    Versions go on counting after a deletion of the text or of its language, so that an old `If-Match` never fits a new
    text.
    """

    __tablename__ = "translation_versions"
    __table_args__ = (
        Index("ix_translation_versions_changed_by", "changed_by"),
        Index("ix_translation_versions_language_code_sequence", "language_code", "sequence", unique=True),
    )

    language_code: Mapped[str] = mapped_column(CODE, ForeignKey("languages.code", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str | None] = mapped_column(Text)
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime]
    # The number of the change in its language, in the order of commits and without gaps. A trigger gives it.
    sequence: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
