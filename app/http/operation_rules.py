"""What each operation asks the policy, in the OpenAPI document: derived from its guards, and never written by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import TypeAlias

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Operation
from litestar.routes import HTTPRoute

from app.guards.authorize import (
    FURTHER,
    OWN_ATTRIBUTES,
    Anyone,
    Further,
    ListGuard,
    NamedSubjectGuard,
    Onboarded,
    OwnSubjectsGuard,
    PolicyGuard,
    SignedIn,
    guards_of,
    step_up,
)
from app.guards.policy import ID_ATTRIBUTES
from app.http.openapi_names import path_parameter

OperationRule: TypeAlias = dict[str, object]

# The `id` of a rule about the caller's own subjects, which no path parameter names.
ME = "me"
# What a rule without a question says of whom its operation is open to.
OPEN_TO = {Anyone: "anyone", SignedIn: "signedIn", Onboarded: "onboarded"}


@dataclass
class RuledOperation(Operation):
    """An operation with its rule."""

    x_authorize: OperationRule | None = field(default=None, metadata={"alias": "x-authorize"})


def add_rules(app: Litestar) -> None:
    """Give every operation of the document its `x-authorize`.

    `{"anyone": true}`, `{"signedIn": true}` and `{"onboarded": true}` are for operations that the policy says nothing
    about; the last one is for users with a complete profile. An operation with `{"onboarded": true, "each": …}` is a
    list for every such user, which shows only what the rule `each` allows. All others have the rule
    `{action, subjectType, id, attribute, field}`, which the client asks with the `rules` of `GET /api/session`: about
    the subject of `subjectType` whose `attribute` is the path parameter `id` (or the caller's own id, if `id` is `me`),
    or about the type, if the rule has no `id`. `stepUp` tells that the user must have proved who they are a short time
    ago. `when` lists what is asked besides, where a request has a parameter: `{in, name, values, ask}`, of which `ask`
    is a rule as above.
    """
    for route, method, handler in _handlers(app):
        item = (app.openapi_schema.paths or {}).get(route.path_format)
        operation = getattr(item, method.lower(), None)
        if isinstance(operation, Operation):
            values = {part.name: getattr(operation, part.name) for part in fields(Operation)}
            setattr(item, method.lower(), RuledOperation(**values, x_authorize=rule_of(handler)))


def rule_of(handler: HTTPRouteHandler) -> OperationRule:
    """The rule of a handler, as its `x-authorize` has it."""
    rule = _rule_of_guards(guards_of(handler))
    further = [_further_rule(further) for further in handler.opt.get(FURTHER, ())]
    return {**rule, "when": further} if further else rule


def _rule_of_guards(guards: Sequence[object]) -> OperationRule:
    deciding = next(guard for guard in guards if isinstance(guard, Anyone | SignedIn | Onboarded | PolicyGuard))
    rule = _rule(deciding)
    return {**rule, "stepUp": True} if step_up in guards else rule


def _further_rule(further: Further) -> OperationRule:
    asked: OperationRule = {"in": further.sent_in, "name": further.name, "ask": _rule_of_guards(further.guards)}
    return {**asked, "values": list(further.values)} if further.values else asked


def _rule(guard: Anyone | SignedIn | Onboarded | PolicyGuard) -> OperationRule:
    if not isinstance(guard, PolicyGuard):
        return {OPEN_TO[type(guard)]: True}
    if isinstance(guard, ListGuard):
        return {"onboarded": True, "each": {"action": guard.action, "subjectType": guard.subject_type}}
    asked: OperationRule = {"action": guard.action, "subjectType": guard.subject_type}
    if isinstance(guard, NamedSubjectGuard):
        named = {**asked, "id": path_parameter(guard.id_from), "attribute": ID_ATTRIBUTES[guard.subject_type]}
        return {**named, "field": guard.field} if guard.field else named
    if isinstance(guard, OwnSubjectsGuard):
        return {**asked, "id": ME, "attribute": OWN_ATTRIBUTES[guard.subject_type]}
    return asked


def _handlers(app: Litestar) -> Iterator[tuple[HTTPRoute, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    yield route, method, handler
