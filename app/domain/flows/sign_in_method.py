"""The declaration of a sign-in method; each file in `sign_in/` except `controllers.py` has one, as `METHOD`."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from app.audit import Actor
from app.auth.principal import PrincipalUser
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession
from app.settings.model import Settings


class SignInMethod(Struct, frozen=True):
    """One way to sign in.

    `credentials` is the body of `POST /api/session`: a Struct whose tag field `method` names this method. `sign_in`
    turns it into a session, or raises `Problem`. `proof` and `reauthenticate` are the same for
    `POST /api/session/reauthentication`, for a method with which the user at a session can prove their identity again.
    `enabled` tells whether a deployment with these settings offers it.
    """

    credentials: type[Struct]
    sign_in: Callable[[Actor, Resources, Any], Awaitable[StartedSession]]
    proof: type[Struct] | None = None
    reauthenticate: Callable[[Actor, Resources, PrincipalUser, Any], Awaitable[StartedSession]] | None = None
    enabled: Callable[[Settings], bool] = lambda _settings: True

    @property
    def name(self) -> str:
        """The name of the method in the field `method`."""
        return str(self.credentials.__struct_config__.tag)
