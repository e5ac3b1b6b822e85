"""What the members' routes take and give."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Role = Literal["admin", "translator"]
Roles = Annotated[
    list[Role], Meta(max_length=2, description="`admin`, `translator`, both or neither: a plain member only reads.")
]
AddressText = Annotated[str, Meta(max_length=1000, description="An email address.")]


class MemberView(Struct, frozen=True, rename="camel"):
    """A member. `email`, in lower case, is null for who does not administer the language.

    `name` is empty until the member has been here since they were added.
    """

    user_id: UUID
    name: str
    email: str | None
    roles: list[Role]
    created_at: datetime


class NewMember(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whom to add, with which roles."""

    email: AddressText
    roles: Roles = []


class RolesChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The roles to hold from now on."""

    roles: Roles


class Accepted(Struct, frozen=True):
    """The same for an address with an account and for one without."""

    email: str
    roles: list[Role]


class InvitationSent(Struct, frozen=True):
    """The same for a member who has accepted already, who gets nothing."""

    status: str = "accepted"
