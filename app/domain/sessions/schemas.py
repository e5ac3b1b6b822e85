"""Response bodies of the session routes."""

from datetime import datetime
from typing import Required, TypedDict
from uuid import UUID

from msgspec import Struct


class UserView(Struct, frozen=True, rename="camel"):
    """A user as they see themselves in their session."""

    id: UUID
    email: str
    name: str
    platform_role: str | None
    onboarded_at: datetime | None


class SessionView(Struct, frozen=True, rename="camel"):
    """The session of this request."""

    id: UUID
    method: str
    created_at: datetime
    authenticated_at: datetime
    expires_at: datetime


class MembershipView(Struct, frozen=True):
    """A language that the user is a member of, with the roles that they hold in it: any of them, or none."""

    language: str
    roles: tuple[str, ...]


class Onboarding(Struct, frozen=True):
    """Whether the user must complete their profile before anything else, and which fields."""

    required: bool
    fields: list[str]


class RawRule(TypedDict, total=False):
    """A rule in the form that `@casl/ability` loads. Of the rules that apply, the last one decides."""

    action: Required[list[str]]
    subject: Required[list[str]]
    conditions: dict[str, object]
    fields: list[str]
    inverted: bool
    reason: str


class WhoAmI(Struct, frozen=True):
    """Who the caller is and what they may do: `rules` are raw CASL rules. Anonymous: `user` is null."""

    user: UserView | None
    session: SessionView | None
    memberships: list[MembershipView]
    onboarding: Onboarding | None
    rules: list[RawRule]


class SessionListItem(Struct, frozen=True, rename="camel"):
    """One of the user's sessions; `current` marks the session of the request itself."""

    id: UUID
    method: str
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    current: bool
