"""The declaration of a sign-in method; each file in `sign_in/` but the routes has one, as `METHOD`."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from msgspec import Struct

from app.audit import Actor
from app.auth.principal import PrincipalUser
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession

Credentials = TypeVar("Credentials", bound=Struct)
Proof = TypeVar("Proof", bound=Struct)


class SignInMethod(Struct, Generic[Credentials, Proof], frozen=True):
    """One way to sign in.

    `credentials` is the body of `POST /api/session`: a Struct whose tag field `method` names this method. `sign_in`
    turns it into a session, or raises `Problem`. `proof` and `reauthenticate` are the same for
    `POST /api/session/reauthentication`, for a method with which the user at a session can prove their identity again.
    """

    credentials: type[Credentials]
    sign_in: Callable[[Actor, Resources, Credentials], Awaitable[StartedSession]]
    proof: type[Proof] | None = None
    reauthenticate: Callable[[Actor, Resources, PrincipalUser, Proof], Awaitable[StartedSession]] | None = None
