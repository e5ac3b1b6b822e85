"""Request and response bodies of the user routes."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from app.domain.users.fields import LocaleText, PersonName, PhoneText, Status, UserKind
from app.guards.roles import PlatformRole


class AccountView(Struct, frozen=True, rename="camel"):
    """An account, as its owner and the platform admins see it; `suspensionReason` is for the admins alone.

    `email` is empty for the `kind` `service`.
    """

    id: UUID
    kind: UserKind
    email: str
    name: str
    phone: str | None
    locale: str | None
    platform_role: PlatformRole | None
    status: Status
    suspension_reason: str | None
    onboarded_at: datetime | None
    created_at: datetime
    updated_at: datetime


class UserChange(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What to change; what is left out stays. Role and status have routes of their own."""

    name: PersonName | UnsetType = UNSET
    phone: PhoneText | UnsetType | None = UNSET
    locale: LocaleText | UnsetType | None = UNSET
