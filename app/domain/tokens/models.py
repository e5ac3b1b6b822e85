"""The table of the keys that sign tokens."""

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base, sql_list
from app.settings.model import TOKEN_ALGORITHMS


class SigningKey(Base):
    """A key pair. Of the keys that sign already, the latest one signs; each is published from the start.

    `kid` is the thumbprint of the public key (RFC 7638), `sealed` the private one, encrypted with SECRET_KEY.
    `published_until` is null for the last key.
    """

    __tablename__ = "signing_keys"
    __table_args__ = (CheckConstraint(f"algorithm IN ({sql_list(TOKEN_ALGORITHMS)})", name="algorithm_known"),)

    kid: Mapped[str] = mapped_column(Text, primary_key=True)
    algorithm: Mapped[str] = mapped_column(Text)
    public_key: Mapped[dict[str, str]] = mapped_column(JSONB)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    published_until: Mapped[datetime | None]
