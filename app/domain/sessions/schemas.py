"""What the API says of sessions, and what a session is made from."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.auth.principal import Principal
from app.domain.users.schemas import UserView


class Client(Struct, frozen=True):
    """Where a request comes from, as told by the connection and by the client itself."""

    ip: str | None = None
    user_agent: str | None = None


class NewSession(Struct, frozen=True):
    """What a session is made from; which of the limits (idle, absolute) count is for the role of its user to say."""

    id: UUID
    token_hash: bytes
    method: str
    now: datetime
    client: Client
    replaces: bytes | None
    limits: tuple[datetime, datetime]
    admin_limits: tuple[datetime, datetime]

    def __repr__(self) -> str:
        return f"NewSession({self.id})"


class StartedSession(Struct, frozen=True):
    """A session just made: the only time that its token is known. `max_age` is in seconds.

    `principal` is who its first request will come from, where that is known already.
    """

    token: str
    max_age: int
    principal: Principal | None = None

    def __repr__(self) -> str:
        return "StartedSession(…)"


class SessionView(Struct, frozen=True, rename="camel"):
    """The session of this request."""

    id: UUID
    method: str
    created_at: datetime
    authenticated_at: datetime
    expires_at: datetime


class MembershipView(Struct, frozen=True):
    """A language that the user is a member of; `roles` holds `admin`, `translator`, both or neither."""

    language: str
    roles: tuple[str, ...]


class Onboarding(Struct, frozen=True):
    """Whether the user must complete their profile before anything else, and which fields."""

    required: bool
    fields: list[str]


class WhoAmI(Struct, frozen=True):
    """Who the caller is and what they may do: `rules` are raw CASL rules. Anonymous: `user` is null."""

    user: UserView | None
    session: SessionView | None
    memberships: list[MembershipView]
    onboarding: Onboarding | None
    rules: list[dict[str, object]]


class SessionListItem(Struct, frozen=True, rename="camel"):
    """One of the user's sessions; `current` marks the one that asks."""

    id: UUID
    method: str
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    current: bool
