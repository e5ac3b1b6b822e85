"""Request and response bodies of the member routes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from app.domain.users.fields import AddressText
from app.guards.roles import LANGUAGE_ROLES, LanguageRole

_NAMES = ", ".join(f"`{role}`" for role in LANGUAGE_ROLES)
Roles = Annotated[
    list[LanguageRole],
    Meta(max_length=len(LANGUAGE_ROLES), description=f"Any of {_NAMES}, or none: a plain member only reads."),
]


class MemberView(Struct, frozen=True, rename="camel"):
    """A member. `email`, in lower case, is null for callers who do not administer the language.

    `name` is empty until the member has been active since they were added.
    """

    user_id: UUID
    name: str
    email: str | None
    roles: list[LanguageRole]
    created_at: datetime


class NewMember(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The address of the person to add, and their roles."""

    email: AddressText
    roles: Roles = []


class RolesChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The roles to hold from now on."""

    roles: Roles


class MemberAccepted(Struct, frozen=True):
    """The answer, which is the same for an address with an account and for an address without one."""

    email: str
    roles: list[LanguageRole]


class InvitationSent(Struct, frozen=True):
    """The answer, which is the same for a member who has accepted already and gets no mail."""

    status: str = "accepted"
