"""Names in the OpenAPI document: those that a person would write by hand, because clients are generated from them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass

from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPI, Operation, Parameter, Reference, Schema
from litestar.types.internal_types import PathParameterDefinition

# The framework names `Page[KeyView]` by the path of its module.
PAGE = re.compile(r"Page_(?:\w+\.)*(\w+?)(?:View|ListItem)?_")
# `code` says enough in Python, beside the name of its function, and not in the path of a client.
PATH_PARAMETERS = {"code": "languageCode"}


def operation_id(handler: HTTPRouteHandler, _method: object, _path: Iterable[str | PathParameterDefinition]) -> str:
    """The id of an operation: the name of its handler, such as `requestKey` for `request_key`."""
    return camel_case(handler.fn.__name__)


def path_parameter(name: str) -> str:
    """The name of a path parameter in the document, by its name in Python."""
    return PATH_PARAMETERS.get(name) or camel_case(name)


def camel_case(name: str) -> str:
    """`user_id` as `userId`."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def rename(document: OpenAPI) -> None:
    """Give schemas and path parameters the names that a person would write, and operations a summary of theirs.

    Schemas have no titles of their own.
    """
    schemas = document.components.schemas
    for part in parts(document):
        if isinstance(part, Reference):
            place, _, name = part.ref.rpartition("/")
            part.ref = f"{place}/{_schema_name(name)}"
        elif isinstance(part, Operation):
            part.summary = re.sub("([A-Z])", r" \1", part.operation_id or "").capitalize()
        elif isinstance(part, Parameter) and part.param_in == "path":
            part.name = path_parameter(part.name)
    document.components.schemas = {_schema_name(name): schema for name, schema in sorted(schemas.items())}
    for schema in document.components.schemas.values():
        if isinstance(schema, Schema):
            schema.title = None
    paths = sorted((document.paths or {}).items())
    document.paths = {re.sub(r"{(\w+)}", _renamed, path): item for path, item in paths}


def parts(node: object) -> Iterator[object]:
    """Every object of the document below `node`. A shared one comes once for each place that it is in."""
    if isinstance(node, dict):
        for part in node.values():
            yield from parts(part)
    elif isinstance(node, list):
        for part in node:
            yield from parts(part)
    elif is_dataclass(node):
        yield node
        for field in fields(node):
            yield from parts(getattr(node, field.name))


def _schema_name(name: str) -> str:
    page = PAGE.fullmatch(name)
    return f"{page[1]}Page" if page else name


def _renamed(found: re.Match[str]) -> str:
    return f"{{{path_parameter(found[1])}}}"
