"""The principal: who calls, as one value that the rest of the app reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct


class PrincipalUser(Struct, frozen=True, gc=False, array_like=True):
    """The user of the request; their account is active."""

    id: UUID
    email: str
    name: str
    phone: str | None
    platform_role: str | None
    onboarded_at: datetime | None
    locale: str | None = None


class PrincipalSession(Struct, frozen=True, gc=False, array_like=True):
    """The session of the request."""

    id: UUID
    method: str
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    idle_expires_at: datetime
    expires_at: datetime


class Membership(Struct, frozen=True, gc=False, array_like=True):
    """One language that the user is a member of; `roles` may be empty."""

    language: str
    roles: tuple[str, ...]


class PrincipalDetails(Struct, frozen=True, gc=False, array_like=True):
    """What only a description of the caller needs beside the principal.

    `language_names` are those of the memberships, in their order; `has_secret`: the user can sign in with a password.
    """

    email_verified: bool
    has_secret: bool
    language_names: tuple[str, ...]


class Kept(Struct, eq=False):
    """What is kept in memory of a principal: see `app/domain/sessions/principal_cache.py`."""


class Principal(Struct, frozen=True, array_like=True):
    """Who calls, and with which session. An anonymous caller is a principal too.

    `replaced`: the session has had a newer token for a few seconds; the session is as it was before. `details` are None
    unless they were asked for. `kept` is None unless the principal is kept in memory, and the same for as long as that.
    """

    user: PrincipalUser | None = None
    session: PrincipalSession | None = None
    memberships: tuple[Membership, ...] = ()
    replaced: bool = False
    details: PrincipalDetails | None = None
    kept: Kept | None = None


ANONYMOUS = Principal()


class Authenticator(Protocol):
    """The interface through which the middleware authenticates.

    `SessionAuthenticator` implements it, in a domain that this folder may not import.
    """

    def recall(self, token: str) -> Principal | None:
        """The principal of a session token, with its details, if it is in memory."""
        ...

    async def authenticate(self, token: str, *, detailed: bool = False) -> Principal:
        """The principal of a session token, with or without its details.

        `ANONYMOUS` if the token is unknown or expired, or its user is suspended.
        """
        ...

    async def authenticate_among(self, tokens: Sequence[str]) -> tuple[Principal, str | None]:
        """The principal, with its details, of the one live session that several tokens have, and its token.

        `ANONYMOUS` and None if no token has one, or two sessions are live.
        """
        ...

    def extend(self, principal: Principal) -> None:
        """Extend a session in use, in a background task."""
        ...
