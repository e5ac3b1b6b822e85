"""The tables of keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.postgres.base import Base, new_id

# The providers of identifiers: an identifier is unique among those of its provider.
EMAIL = "email"
LINK = "link"
API = "api"

LIVE = "kind = 'single_use' AND used_at IS NULL"
LIVE_INVITATION = text(f"{LIVE} AND purpose = 'invitation'")
LIVE_FLOW = text(f"{LIVE} AND flow_hash IS NOT NULL")


class Key(Base):
    """A way to sign in or to do one thing. It belongs to a user, or to nobody yet.

    A *primary* key has the normalised email address as its identifier and an argon2id hash, or none, as its secret. A
    *single-use* key has the hash of its link's token as its identifier and, if it has a code too, the code's keyed
    hash as its secret. A single-use key is bound to one purpose and one address; the empty address stands for any. Its
    code works only together with the flow of `flow_hash`; without a flow, only its link works. An *API* key
    authenticates the requests of a service account, and has the hash of its token as its identifier.
    """

    __tablename__ = "keys"
    __table_args__ = (
        UniqueConstraint("provider", "identifier"),
        CheckConstraint("kind IN ('primary', 'single_use', 'api')", name="kind"),
        CheckConstraint(
            "kind <> 'primary' OR (user_id IS NOT NULL AND purpose IS NULL AND address IS NULL AND expires_at IS NULL)",
            name="primary_shape",
        ),
        CheckConstraint(
            "kind <> 'single_use' OR (purpose IS NOT NULL AND address IS NOT NULL AND expires_at IS NOT NULL)",
            name="single_use_shape",
        ),
        CheckConstraint(
            "kind <> 'api' OR (user_id IS NOT NULL AND name IS NOT NULL AND expires_at IS NOT NULL "
            "AND secret_hash IS NULL AND purpose IS NULL AND address IS NULL)",
            name="api_shape",
        ),
        CheckConstraint("attempts_left >= 0", name="attempts_left"),
        CheckConstraint("asked_by IN ('device', 'stranger')", name="asked_by"),
        CheckConstraint("end_reason IN ('used', 'voided')", name="end_reason"),
        Index("ix_keys_user_id", "user_id"),
        Index("ix_keys_language_code", "language_code", postgresql_where=text("language_code IS NOT NULL")),
        Index("ix_keys_invited_by", "invited_by", postgresql_where=text("invited_by IS NOT NULL")),
        Index("uq_keys_user_id_primary", "user_id", unique=True, postgresql_where=text("kind = 'primary'")),
        Index("ix_keys_expires_at", "expires_at", postgresql_where=text("kind = 'single_use'")),
        Index(
            "ix_keys_address_purpose_created_at",
            "address",
            "purpose",
            "created_at",
            postgresql_where=text("kind = 'single_use'"),
        ),
        Index(
            "uq_keys_address_purpose_flow_live",
            "address",
            "purpose",
            "flow_hash",
            unique=True,
            postgresql_where=LIVE_FLOW,
        ),
        Index(
            "uq_keys_invitation_live",
            "address",
            "language_code",
            unique=True,
            postgresql_where=LIVE_INVITATION,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Text)
    identifier: Mapped[str] = mapped_column(Text)
    secret_hash: Mapped[str | None] = mapped_column(Text)
    # What the administrator calls an API key.
    name: Mapped[str | None] = mapped_column(Text)
    purpose: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    # The hash of the flow that the code belongs to: NULL without a code, and once the flow has got another one. Who
    # asked: a known device of the user, or a stranger; NULL if nobody has.
    flow_hash: Mapped[str | None] = mapped_column(Text)
    asked_by: Mapped[str | None] = mapped_column(Text)
    # The language that an invitation is to, and the user who sent it: an operator's has none.
    language_code: Mapped[str | None] = mapped_column(ForeignKey("languages.code", ondelete="CASCADE"))
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    payload: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default=text("'{}'::jsonb"))
    attempts_left: Mapped[int | None] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime | None]
    # When a single-use key was used; for a voided one, the time of its creation.
    used_at: Mapped[datetime | None]
    # Why a key with `used_at` has ended: the holder of its link is told. An expired key has none.
    end_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
