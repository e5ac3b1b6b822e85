"""Request and response bodies of the member routes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from app.domain.users.fields import AddressText, LocaleText
from app.guards.roles import LANGUAGE_ROLES, LanguageRole

_NAMES = ", ".join(f"`{role}`" for role in LANGUAGE_ROLES)
Roles = Annotated[
    list[LanguageRole],
    Meta(max_length=len(LANGUAGE_ROLES), description=f"Any of {_NAMES}, or none: a plain member only reads."),
]


class Inviter(Struct, frozen=True):
    """Who has added or invited a member last."""

    id: UUID
    name: str


class MemberView(Struct, frozen=True, rename="camel"):
    """A member. `pending`: they have not been active since they were added, and `name` is empty until then.

    A new invitation and a user who was added look alike, `expiresAt` included: when the mailed link ends, if there is
    one. `email`, in lower case, `invitedAt`, `expiresAt` and `invitedBy` are null for callers who do not administer the
    language; `expiresAt` is null once the member has been active. A service account has no `email`,
    and is never pending.
    """

    user_id: UUID
    language_code: str
    name: str
    email: str | None
    roles: list[LanguageRole]
    created_at: datetime
    pending: bool
    invited_at: datetime | None
    expires_at: datetime | None
    invited_by: Inviter | None


class OwnMembershipView(Struct, frozen=True, rename="camel"):
    """A language that the caller is a member of, and who has added them. `invitedBy` is null once they are deleted."""

    user_id: UUID
    language_code: str
    language_name: str
    roles: list[LanguageRole]
    created_at: datetime
    invited_by: Inviter | None


class NewMember(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The address of the person to add, and their roles.

    `locale` is the language of the mail, if the person has no account with another one.
    """

    email: AddressText
    roles: Roles = []
    locale: LocaleText | None = None


class RolesChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The roles to hold from now on."""

    roles: Roles


class MemberAccepted(Struct, frozen=True, rename="camel"):
    """The answer, which is the same for an address with an account and for an address without one."""

    user_id: UUID
    email: str
    roles: list[LanguageRole]


class InvitationSent(Struct, frozen=True):
    """The answer, which is the same for a member who has accepted already and gets no mail."""

    status: str = "accepted"
