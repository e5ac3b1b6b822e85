"""Route guards: every route says who may call it, and no route decides that in its own code.

Guards run after authentication and before the body is read. A denial says why only where a rule of the policy does,
and never whether the subject exists. They are coroutines although none of them waits: Litestar runs a plain function in
a thread, on every request.
"""

from datetime import timedelta
from typing import cast
from uuid import UUID

import litestar
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute
from msgspec import UNSET, Struct, structs

from app.ability.ability import Ability, Decision, Subject
from app.auth.principal import Principal
from app.clock import Clock
from app.errors import Problem
from app.guards.policy import ID_ATTRIBUTES, ability_for, is_onboarded

Connection = ASGIConnection[BaseRouteHandler, Principal, str | None, State]
Request = litestar.Request[Principal, str | None, State]


class Anyone(Struct, frozen=True):
    """The guard of an open route: it lets everybody pass, and says so."""

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Let the request pass."""


class SignedIn(Struct, frozen=True):
    """The guard of a route for every signed-in user, onboarded or not."""

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raise `Problem` `not_signed_in` for the anonymous."""
        _require_user(connection.user)


class Authorize(Struct, frozen=True):
    """The guard that `authorize` makes."""

    action: str
    subject_type: str
    id_from: str | None = None
    own: bool = False
    listing: bool = False

    async def __call__(self, connection: Connection | Request, _: BaseRouteHandler) -> None:
        """Raise `Problem`: `not_signed_in`, `onboarding_required` or `forbidden`."""
        principal = connection.user
        _require_user(principal)
        decision = self._decide(connection)
        if decision.allowed:
            return
        if not is_onboarded(principal):
            raise Problem("onboarding_required", "Complete the fields that GET /api/session lists first.")
        raise Problem("forbidden", decision.reason or "")

    def _decide(self, connection: Connection | Request) -> Decision:
        ability = ability_of(connection)
        if self.listing:
            return Decision(allowed=is_onboarded(connection.user))
        if self.own and connection.user.user:
            owned = Subject(self.subject_type, {"userId": str(connection.user.user.id)})
            return ability.decide(self.action, owned)
        if self.id_from is not None:
            attribute = ID_ATTRIBUTES[self.subject_type]
            name = str(connection.path_params[self.id_from])
            named = Subject(self.subject_type, {attribute: named_user(connection, name) if attribute == "id" else name})
            return ability.decide(self.action, named)
        return ability.decide_some(self.action, self.subject_type)


ANYONE = Anyone()
SIGNED_IN = SignedIn()


def authorize(
    action: str, subject_type: str, *, id_from: str | None = None, own: bool = False, listing: bool = False
) -> Authorize:
    """The guard that asks the policy.

    `id_from` names the path parameter that identifies *this* subject; `own` asks about the caller's own subjects of
    that type, and the statement behind the route must be limited to them; `listing` lets every onboarded user pass to a
    route that shows only the rows their ability allows; with none of the three the question is about the type.
    """
    return Authorize(action, subject_type, id_from, own, listing)


async def step_up(connection: Connection | Request, _: BaseRouteHandler) -> None:
    """Guard for sensitive actions (OWASP ASVS 5.0, 7.5.1): the user must have proved themselves a short while ago.

    Raises `Problem` `reauthentication_required`.
    """
    session = connection.user.session
    _require_user(connection.user)
    clock = cast("Clock", connection.app.state.clock)
    limit = timedelta(seconds=cast("int", connection.app.state.settings.step_up_seconds))
    if session is None or clock() - session.authenticated_at > limit:
        raise Problem("reauthentication_required", "POST /api/session/reauthentication, then try again.")


def ability_of(connection: Connection | Request) -> Ability:
    """The caller's ability, made once for each request."""
    state = connection.scope["state"]
    ability = state.get("ability")
    if ability is None:
        ability = state["ability"] = ability_for(connection.user)
    return cast("Ability", ability)


def caller_id(request: Request) -> UUID:
    """The id of the signed-in caller, of whom the route's guard has made sure."""
    if request.user.user is None:
        raise Problem("not_signed_in")
    return request.user.user.id


def named_user(connection: Connection | Request, raw: str) -> str:
    """The id that a path's user id stands for, in the one form that rules compare: `me` is the caller."""
    user = connection.user.user
    if raw == "me" and user:
        return str(user.id)
    try:
        return str(UUID(raw))
    except ValueError:
        return raw


def require_fields(request: Request, action: str, subject_type: str, id_: str, change: Struct) -> None:
    """Ask the policy about each field that a change sets: a right on the subject is not one on all its fields.

    Raises `Problem` `forbidden`.
    """
    subject = Subject(subject_type, {ID_ATTRIBUTES[subject_type]: id_})
    sent = (field for field in structs.fields(change) if getattr(change, field.name) is not UNSET)
    for field in sent:
        decision = ability_of(request).decide(action, subject, field.encode_name)
        if not decision.allowed:
            raise Problem("forbidden", decision.reason or f"You may not change {field.encode_name}.")


def missing(connection: Connection | Request, action: str, subject_type: str) -> Problem:
    """The answer where the subject is not there: 404 for who may act on every row, 403 for everybody else."""
    if ability_of(connection).can_every(action, subject_type):
        return Problem("not_found")
    return Problem("forbidden")


def named_user_id(connection: Connection | Request, raw: str, action: str) -> UUID:
    """`named_user` as an id. Raises what `missing` gives for text that can be nobody's id."""
    try:
        return UUID(named_user(connection, raw))
    except ValueError:
        raise missing(connection, action, "User") from None


def require_guards(app: Litestar) -> None:
    """Refuse to start with a route that has no guard, or one that does not ask about the subject in the route's path.

    Raises `RuntimeError` that names the routes.
    """
    faults = [f"{route.path}: is no HTTP route" for route in app.routes if not isinstance(route, HTTPRoute)]
    faults += [
        f"{sorted(handler.http_methods)} {route.path}: {fault}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"}
        for fault in _faults(handler, route.path)
    ]
    if faults:
        raise RuntimeError("routes without a sound guard:\n" + "\n".join(faults))


def guards_of(handler: BaseRouteHandler) -> list[object]:
    """All guards of a handler, its controller's and routers' included."""
    return [guard for layer in handler.ownership_layers for guard in layer.guards or ()]


def _faults(handler: BaseRouteHandler, path: str) -> list[str]:
    deciding = [guard for guard in guards_of(handler) if isinstance(guard, Anyone | SignedIn | Authorize)]
    if len(deciding) != 1:
        return [f"has {len(deciding)} guards of Anyone, SignedIn and authorize(): exactly one is needed"]
    guard = deciding[0]
    if not isinstance(guard, Authorize):
        return []
    if guard.id_from is not None and f"{{{guard.id_from}:" not in path:
        return [f"its guard reads {guard.id_from!r}, which the path does not have"]
    asks_about_type = guard.id_from is None and not guard.own
    return ["names one subject, and its guard asks about the type"] if "{" in path and asks_about_type else []


def _require_user(principal: Principal) -> None:
    if principal.user is None:
        raise Problem("not_signed_in", "POST /api/session with your credentials.")
