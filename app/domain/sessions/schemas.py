"""Response bodies of the session routes."""

from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from app.domain.sessions.repository import EndReason
from app.domain.users.fields import Status


class UserView(Struct, frozen=True, rename="camel"):
    """A user as they see themselves in their session: `status` is always active. `has_secret`: they have a password."""

    id: UUID
    email: str
    email_verified: bool
    name: str
    phone: str | None
    locale: str | None
    platform_role: str | None
    status: Status
    has_secret: bool
    onboarded_at: datetime | None


class SessionView(Struct, frozen=True, rename="camel"):
    """The session of this request.

    It ends at `expires_at`, and at `idle_expires_at` if it is not used before. Until `step_up_until` the proof of
    identity is fresh enough for sensitive actions.
    """

    id: UUID
    user_id: UUID
    method: str
    created_at: datetime
    authenticated_at: datetime
    step_up_until: datetime
    idle_expires_at: datetime
    expires_at: datetime


class SessionKeyView(Struct, frozen=True, rename="camel"):
    """The API key of this request."""

    id: UUID
    name: str
    expires_at: datetime


class SessionEndView(Struct, frozen=True):
    """Why and when the session ended whose token the client presents."""

    reason: EndReason
    at: datetime


class MembershipView(Struct, frozen=True, rename="camel"):
    """A language that the user is a member of, with the roles that they hold in it: any of them, or none."""

    language: str
    language_name: str
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
    """Who the caller is and what they may do: `rules` are raw CASL rules. Anonymous: `user` is null.

    `ended` is null unless the request presents the token of a session that has ended within 7 days. A service account
    has a `key` in place of the session.
    """

    user: UserView | None
    session: SessionView | None
    memberships: list[MembershipView]
    onboarding: Onboarding | None
    rules: list[RawRule]
    ended: SessionEndView | None = None
    key: SessionKeyView | UnsetType = UNSET


class StreamedEvent(Struct, frozen=True):
    """A server-sent event: `data` is JSON. `retry` is after how many milliseconds to open the stream again."""

    event: Literal["listening", "rules", "ended"]
    data: str
    retry: int | UnsetType = UNSET


class SignedIn(WhoAmI, frozen=True, rename="camel"):
    """The answer to a sign-in: `WhoAmI`, and the page that the request for the redeemed code or link named, if one."""

    return_to: str | UnsetType = UNSET


class SessionListItem(Struct, frozen=True, rename="camel"):
    """One of the user's sessions; `current` marks the session of the request itself.

    `device_name` is what the client says of itself, in short: `Firefox on Windows`.
    """

    id: UUID
    user_id: UUID
    method: str
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    idle_expires_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    device_name: str | None
    current: bool


class DisowningInput(Struct, frozen=True, forbid_unknown_fields=True):
    """The token of the link in a mail about a sign-in on a new device."""

    token: Annotated[str, Meta(max_length=1000)]

    def __repr__(self) -> str:
        return "DisowningInput(…)"


class DisownedSession(Struct, frozen=True):
    """The address of the user whose session has ended."""

    email: str
