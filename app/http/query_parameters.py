"""Query parameters that no route takes are refused, as unknown fields of a body are."""

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from msgspec import Struct

from app.errors import FieldError, Problem
from app.guards.authorize import Request
from app.http.body_errors import ERRORS_MAX, SHOWN_NAME_MAX

# The `opt` of each handler, set at the start.
QUERY_PARAMETERS = "query_parameters"


class QueryParameters(Struct, frozen=True):
    """The names of the query parameters that a handler takes."""

    names: frozenset[str]
    lists: frozenset[str]
    # Not text, and may be left out.
    optional_values: frozenset[str]


def note_query_parameters(app: Litestar) -> None:
    """Note for each handler of the app which query parameters it takes, and of which kind."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, parameters in route.route_handler_map.values():
                taken = parameters.expected_query_params
                handler.opt[QUERY_PARAMETERS] = QueryParameters(
                    frozenset(parameter.field_alias for parameter in taken),
                    frozenset(parameter.field_alias for parameter in taken if parameter.is_sequence),
                    frozenset(
                        parameter.field_alias
                        for parameter in taken
                        if _is_optional_value(handler.parsed_fn_signature.parameters[parameter.field_name])
                    ),
                )


async def refuse_unknown_parameters(request: Request) -> None:
    """Litestar's hook between the guards and the handler.

    Raises `Problem` `validation_failed` that names each query parameter that the route does not take, or takes once and
    has got twice. So is the text `null`, which the framework would take for a parameter that was left out. A value is
    never repeated.
    """
    if not request.scope["query_string"]:
        return
    taken: QueryParameters = request.route_handler.opt[QUERY_PARAMETERS]
    pairs = list(request.query_params.multi_items())
    sent = [name for name, _ in pairs]
    names = dict.fromkeys(sent)
    errors = [
        FieldError(_shown(name), "unknown_parameter", "This parameter is not known here")
        for name in names
        if name not in taken.names
    ]
    if len(names) < len(sent):
        errors += [
            FieldError(name, "duplicate", "Send this parameter once")
            for name in names
            if name in taken.names - taken.lists and sent.count(name) > 1
        ]
    errors += [
        FieldError(name, "invalid", "Leave this parameter out, or send one of its values")
        for name, value in pairs
        if name in taken.optional_values and value.lower() == "null"
    ]
    if errors:
        raise Problem("validation_failed", errors=errors[:ERRORS_MAX])


def _is_optional_value(field: FieldDefinition) -> bool:
    return field.is_optional and not any(inner.annotation is str for inner in field.inner_types)


def _shown(name: str) -> str:
    return name[:SHOWN_NAME_MAX].encode(errors="replace").decode()
