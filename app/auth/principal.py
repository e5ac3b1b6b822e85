"""Who is calling: one value that the rest of the app reads, and the port that makes it from a token."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct


class PrincipalUser(Struct, frozen=True):
    """The account behind the request, always an active one."""

    id: UUID
    email: str
    name: str
    phone: str | None
    platform_role: str | None
    onboarded_at: datetime | None


class PrincipalSession(Struct, frozen=True):
    """The session behind the request."""

    id: UUID
    method: str
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    idle_expires_at: datetime
    expires_at: datetime


class Membership(Struct, frozen=True):
    """One language that the user is a member of; `roles` may be empty."""

    language: str
    roles: tuple[str, ...]


class Principal(Struct, frozen=True):
    """Who calls, and with which session. Anonymous is a principal too."""

    user: PrincipalUser | None = None
    session: PrincipalSession | None = None
    memberships: tuple[Membership, ...] = ()


ANONYMOUS = Principal()


class Authenticator(Protocol):
    """What the middleware asks. The sessions domain implements it; `asgi.py` hands it over."""

    async def authenticate(self, token: str) -> Principal:
        """The principal of a well-formed session token; `ANONYMOUS` for one that is unknown, expired or suspended."""
        ...

    def extend(self, principal: Principal) -> int | None:
        """Note that the session is in use.

        Gives the new Max-Age in seconds where the session's idle limit moves, so that the cookie is sent again, else
        None. The write happens after the answer.
        """
        ...
