"""What the API takes and says of users."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

NameText = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", description="Not only white space.")]
PhoneText = Annotated[
    str, Meta(pattern=r"^\+[1-9][0-9]{1,14}(?![\s\S])", description="In the form of E.164: +4915112345678.")
]
LocaleText = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*(?![\s\S])",
        description="A BCP 47 tag: the language of mails.",
    ),
]
AddressText = Annotated[str, Meta(max_length=1000, description="An email address.")]
ReasonText = Annotated[str, Meta(min_length=1, max_length=500, description="Shown to platform admins only.")]
Status = Literal["active", "suspended"]
PlatformRole = Literal["admin"]


class UserView(Struct, frozen=True, rename="camel"):
    """A user as they see themselves in their session."""

    id: UUID
    email: str
    name: str
    platform_role: str | None
    onboarded_at: datetime | None


class AccountView(Struct, frozen=True, rename="camel"):
    """An account, as its owner and the platform admins see it; `suspensionReason` is for the admins alone."""

    id: UUID
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


class NewUser(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A user to create and invite."""

    email: AddressText
    name: NameText


class UserChange(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What to change; what is left out stays. Role and status have routes of their own."""

    name: NameText | UnsetType = UNSET
    phone: PhoneText | UnsetType | None = UNSET
    locale: LocaleText | UnsetType | None = UNSET


class PlatformRoleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The platform role to hold from now on; null for none."""

    role: PlatformRole | None


class Suspension(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the account is suspended."""

    reason: ReasonText | None = None


class AuditEventView(Struct, frozen=True, rename="camel"):
    """One thing that was done to `subject`. `actorId` is null for commands, jobs and whoever was not signed in."""

    id: UUID
    at: datetime
    action: str
    subject: str
    actor_id: UUID | None
    session_id: UUID | None
    ip: str | None
    detail: dict[str, object]
