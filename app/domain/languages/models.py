"""The table of languages."""

from datetime import datetime
from typing import get_args

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.languages.schemas import Direction
from app.postgres.base import Base, sql_list

# Byte order, so that keyset pages and the client's own sorting of codes agree whatever the database's locale.
CODE = Text(collation="C")


class Language(Base):
    """A language. Its primary key is its BCP 47 tag, which never changes."""

    __tablename__ = "languages"
    __table_args__ = (CheckConstraint(f"text_direction IN ({sql_list(get_args(Direction))})", name="text_direction"),)

    code: Mapped[str] = mapped_column(CODE, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    autonym: Mapped[str] = mapped_column(Text)
    text_direction: Mapped[str] = mapped_column(Text)
    # Code, name and autonym as they are searched: the database's locale may fold no letters outside ASCII.
    folded: Mapped[str] = mapped_column(Text(collation="C"), default="", server_default="")
    created_at: Mapped[datetime]
