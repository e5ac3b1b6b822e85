"""Route guards: every route says who may call it, and no route decides that in its own code.

One function for each kind of question: `authorize` asks about the subject that the path names, `authorize_own` about
the caller's own subjects, `authorize_some` about the type, and `authorize_list` opens a list that shows only the rows
that the caller may see. `ANYONE`, `SIGNED_IN` and `ONBOARDED` are for routes that the policy says nothing about.

Guards run after authentication and before the body is read. A refusal states a reason only if a rule of the policy
has one, and never says whether the subject exists. Guards are coroutines although they never wait, because Litestar
runs a plain function in a thread, on every request.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal, TypeAlias, cast
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
from app.guards.policy import (
    BY_LANGUAGE_CODE,
    ID_ATTRIBUTES,
    NAMED_BY_USER_ID,
    OWNER_ATTRIBUTES,
    ability_for,
    is_onboarded,
)
from app.text import conventional_case

Connection = ASGIConnection[BaseRouteHandler, Principal, str | None, State]
Request = litestar.Request[Principal, str | None, State]
Guard: TypeAlias = Callable[[Connection | Request, BaseRouteHandler], Awaitable[None]]


# The attribute with the id of the user whose a subject is. A user is their own.
OWN_ATTRIBUTES = {"User": ID_ATTRIBUTES["User"], **OWNER_ATTRIBUTES}


class Anyone(Struct, frozen=True):
    """The guard of a public route: every request passes."""

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Let the request pass."""


class SignedIn(Struct, frozen=True):
    """The guard of a route for every signed-in user, onboarded or not."""

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raise `Problem` `not_signed_in` for an anonymous caller."""
        _require_user(connection.user)


class Onboarded(Struct, frozen=True):
    """The guard of a route for every signed-in user with a complete profile."""

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raise `Problem`: `not_signed_in` or `onboarding_required`."""
        _require_user(connection.user)
        _require_onboarded(connection.user)


class PolicyGuard(Struct, frozen=True):
    """A guard that asks the policy whether the caller may do `action` on a subject of `subject_type`."""

    action: str
    subject_type: str

    async def __call__(self, connection: Connection | Request, _: BaseRouteHandler) -> None:
        """Raise `Problem`: `not_signed_in`, `onboarding_required` or `forbidden`."""
        _require_user(connection.user)
        decision = self.decide(connection)
        if decision.allowed:
            return
        _require_onboarded(connection.user)
        raise Problem("forbidden", decision.reason or "")

    def decide(self, connection: Connection | Request) -> Decision:
        """The policy's answer to the question of this guard."""
        raise NotImplementedError


class NamedSubjectGuard(PolicyGuard, frozen=True):
    """Asks about the subject that the path parameter `id_from` names.

    The code of a language is brought into the case of its canonical form here, in the path parameter itself, so that
    the handler acts on the language that was asked about.
    """

    id_from: str
    field: str | None = None

    def decide(self, connection: Connection | Request) -> Decision:
        """The answer on the named subject, or on `field` of it."""
        attribute = ID_ATTRIBUTES[self.subject_type]
        named = str(connection.path_params[self.id_from])
        if self.subject_type in NAMED_BY_USER_ID:
            named = resolve_me(connection, named)
        elif self.subject_type in BY_LANGUAGE_CODE:
            named = conventional_case(named)
            # A new dictionary: the router keeps this one for other requests of the same path.
            connection.scope["path_params"] = {**connection.path_params, self.id_from: named}
        return ability_of(connection).decide(self.action, Subject(self.subject_type, {attribute: named}), self.field)


class OwnSubjectsGuard(PolicyGuard, frozen=True):
    """Asks about the caller's own subjects of the type."""

    def decide(self, connection: Connection | Request) -> Decision:
        """The answer on a subject that the caller owns."""
        owner = str(connection.user.user.id) if connection.user.user else ""
        owned = Subject(self.subject_type, {OWN_ATTRIBUTES[self.subject_type]: owner})
        return ability_of(connection).decide(self.action, owned)


class SomeSubjectGuard(PolicyGuard, frozen=True):
    """Asks about the type: is there any subject of it on which the caller may do `action`?"""

    def decide(self, connection: Connection | Request) -> Decision:
        """The answer on the type."""
        return ability_of(connection).decide_some(self.action, self.subject_type)


class ListGuard(PolicyGuard, frozen=True):
    """Lets every onboarded user pass: the route shows only the rows on which the caller's ability allows `action`."""

    def decide(self, connection: Connection | Request) -> Decision:
        """Yes for an onboarded user."""
        return Decision(allowed=is_onboarded(connection.user))


class Further(Struct, frozen=True):
    """What a route asks besides, where a request has the parameter `name`, with one of `values` if there are some.

    Guards run before the body and the query are read, so that the handler calls `require`. The route names the further
    questions in its `opt` `FURTHER`, for the OpenAPI document.
    """

    sent_in: Literal["body", "query"]
    name: str
    guards: tuple[Guard, ...]
    values: tuple[str, ...] = ()

    async def require(self, request: Request) -> None:
        """Raise `Problem` as the guards do."""
        for guard in self.guards:
            await guard(request, request.route_handler)


# The `opt` of a route with its further questions.
FURTHER = "further"

ANYONE = Anyone()
SIGNED_IN = SignedIn()
ONBOARDED = Onboarded()


def authorize(action: str, subject_type: str, *, id_from: str, field: str | None = None) -> NamedSubjectGuard:
    """The guard that asks about *this* subject, which the path parameter `id_from` names, or about one field of it."""
    return NamedSubjectGuard(action, subject_type, id_from, field)


def authorize_own(action: str, subject_type: str) -> OwnSubjectsGuard:
    """The guard that asks about the caller's own subjects, or about the caller: the route must be limited to those."""
    return OwnSubjectsGuard(action, subject_type)


def authorize_some(action: str, subject_type: str) -> SomeSubjectGuard:
    """The guard that asks about the type, for a route whose path names no subject."""
    return SomeSubjectGuard(action, subject_type)


def authorize_list(action: str, subject_type: str) -> ListGuard:
    """The guard of a list that filters its rows by the caller's ability (`sql_filter` or `allowed_values`)."""
    return ListGuard(action, subject_type)


async def step_up(connection: Connection | Request, _: BaseRouteHandler) -> None:
    """Guard for sensitive actions (OWASP ASVS 5.0, 7.5.1): the user authenticated at most STEP_UP_SECONDS ago.

    An API key never satisfies it. Raises `Problem`: `not_signed_in`, `session_required`, `reauthentication_required`.
    """
    _require_user(connection.user)
    if connection.user.key is not None:
        raise Problem("session_required", "An API key proves nobody's identity: this needs a recent proof.")
    session = connection.user.session
    clock = cast("Clock", connection.app.state.clock)
    limit = timedelta(seconds=cast("int", connection.app.state.settings.step_up_seconds))
    if session is None or clock() - session.authenticated_at > limit:
        raise Problem("reauthentication_required", "POST /api/session/reauthentication, then try again.")


def ability_of(connection: Connection | Request) -> Ability:
    """The caller's ability, built once per request."""
    state = connection.scope["state"]
    ability = state.get("ability")
    if ability is None:
        ability = state["ability"] = ability_for(connection.user)
    return cast("Ability", ability)


def resolve_me(connection: Connection | Request, raw: str) -> str:
    """The user id in a path, in the form that rules compare: `me` becomes the caller's id."""
    user = connection.user.user
    if raw == "me" and user:
        return str(user.id)
    try:
        return str(UUID(raw))
    except ValueError:
        return raw


def authorize_fields(request: Request, action: str, subject_type: str, id_: str, change: Struct) -> None:
    """Ask the policy about each field that `change` sets: a right on a subject is not a right on all its fields.

    Raises `Problem` `forbidden`.
    """
    subject = Subject(subject_type, {ID_ATTRIBUTES[subject_type]: id_})
    sent = (field for field in structs.fields(change) if getattr(change, field.name) is not UNSET)
    for field in sent:
        decision = ability_of(request).decide(action, subject, field.encode_name)
        if not decision.allowed:
            raise Problem("forbidden", decision.reason or f"You may not change {field.encode_name}.")


def may_know_what_exists(request: Request) -> bool:
    """Whether the guard lets the caller act on every subject of its type, so that a 404 reveals nothing.

    No for a route without a policy guard.
    """
    guards = [guard for guard in guards_of(request.route_handler) if isinstance(guard, PolicyGuard)]
    return bool(guards) and all(ability_of(request).can_every(guard.action, guard.subject_type) for guard in guards)


def require_guards(app: Litestar) -> None:
    """Refuse to start with a route that has no guard, or a guard that does not ask about the subject in the path.

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
    """All guards of a handler, those of its controller and routers included."""
    return [guard for layer in handler.ownership_layers for guard in layer.guards or ()]


def _faults(handler: BaseRouteHandler, path: str) -> list[str]:
    """What is wrong with the guards of one handler."""
    deciding = [guard for guard in guards_of(handler) if isinstance(guard, Anyone | SignedIn | Onboarded | PolicyGuard)]
    if len(deciding) != 1:
        return [f"has {len(deciding)} guards of Anyone, SignedIn, Onboarded and authorize(): exactly one is needed"]
    guard = deciding[0]
    if isinstance(guard, NamedSubjectGuard) and f"{{{guard.id_from}:" not in path:
        return [f"its guard reads {guard.id_from!r}, which the path does not have"]
    asks_about_type = isinstance(guard, SomeSubjectGuard | ListGuard)
    return ["names one subject, and its guard asks about the type"] if "{" in path and asks_about_type else []


def _require_user(principal: Principal) -> None:
    if principal.user is None:
        raise Problem("not_signed_in", "POST /api/session with your credentials.")


def _require_onboarded(principal: Principal) -> None:
    if not is_onboarded(principal):
        raise Problem("onboarding_required", "Complete the fields that GET /api/session lists first.")
