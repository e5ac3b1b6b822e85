"""The table of users."""

from collections.abc import Callable
from datetime import datetime
from typing import get_args
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.users.fields import E164, Status, UserKind
from app.guards.roles import PLATFORM_ROLES
from app.postgres.base import Base, sql_list
from app.text import folded

FOLDED = Text(collation="C")


def _folded_value_of(column: str) -> Callable[[DefaultExecutionContext], str]:
    """The default of a column: the folded form of the value that is inserted into another one."""

    def value(context: DefaultExecutionContext) -> str:
        return folded(context.get_current_parameters()[column])  # type: ignore[no-untyped-call] # has no annotations

    return value


class User(Base):
    """A person's account, or a service account. `email` is the address as written, for display; the unique normalised
    form is the `identifier` of the user's primary `Key`. A service account has neither, and no platform role.

    The id is random (UUIDv4): members of a language see each other's ids, and the id of an account made by an
    invitation must look like any other (RFC 9562 section 8).
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(f"platform_role IN ({sql_list(PLATFORM_ROLES)})", name="platform_role"),
        CheckConstraint(f"status IN ({sql_list(get_args(Status))})", name="status"),
        CheckConstraint(f"kind IN ({sql_list(get_args(UserKind))})", name="kind"),
        CheckConstraint(
            "kind <> 'service' OR (email = '' AND platform_role IS NULL AND email_verified_at IS NULL)",
            name="service_shape",
        ),
        CheckConstraint(f"phone ~ '{E164}$'", name="phone_e164"),
        Index("ix_users_platform_role", "platform_role", postgresql_where=text("platform_role IS NOT NULL")),
        Index("ix_users_created_at_id", "created_at", "id"),
        Index("ix_users_id_service", "id", postgresql_where=text("kind = 'service'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(Text, default="person", server_default="person")
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="", server_default="")
    # Searched instead of `name` and `email`: the database's locale may fold no letters outside ASCII.
    folded_name: Mapped[str] = mapped_column(FOLDED, default=_folded_value_of("name"), server_default="")
    folded_email: Mapped[str] = mapped_column(FOLDED, default=_folded_value_of("email"), server_default="")
    phone: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)
    platform_role: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="active", server_default="active")
    suspension_reason: Mapped[str | None] = mapped_column(Text)
    email_verified_at: Mapped[datetime | None]
    onboarded_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    # Device cookies issued earlier do not count; NULL while none was voided.
    devices_since: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
