"""Which fields of the bodies in the OpenAPI document are required: generators of clients read nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec
from litestar.openapi.spec import OpenAPI, Operation, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType

from app.http.openapi_names import parts


def settle_fields(document: OpenAPI) -> None:
    """Correct what follows from default values, for bodies that clients send and for those that they get.

    A field with a default value may be left out of a request: its description says what it is then. Some generators
    take `default` for a field that is always there, so that no schema has it. Answers leave a field with a default
    value out only if it is unset: every other one is required.
    """
    schemas = document.components.schemas
    operations = [part for part in parts(document.paths) if isinstance(part, Operation)]
    answered = set(_names_below([operation.responses for operation in operations], schemas))
    for name, schema in schemas.items():
        if schema.properties:
            if name in answered:
                always_sent = [field for field, kind in schema.properties.items() if _has_default(kind)]
                schema.required = [*dict.fromkeys([*(schema.required or ()), *always_sent])]
            schema.properties = {
                field: _without_default(kind, told=name not in answered) for field, kind in schema.properties.items()
            }


def _has_default(kind: Schema | Reference) -> bool:
    """Whether the field has a default value other than unset. The framework does not write a default of null."""
    return isinstance(kind, Schema) and (kind.default is not None or _takes_null(kind))


def _takes_null(kind: Schema) -> bool:
    types = kind.type if isinstance(kind.type, list) else [kind.type]
    options = [option for option in kind.one_of or () if isinstance(option, Schema)]
    return OpenAPIType.NULL in types or any(map(_takes_null, options))


def _without_default(kind: Schema | Reference, *, told: bool) -> Schema | Reference:
    if not isinstance(kind, Schema) or kind.default is None:
        return kind
    value = f"Without the field: `{msgspec.json.encode(kind.default).decode()}`."
    description = " ".join(filter(None, [kind.description, value])) if told else kind.description
    return replace(kind, default=None, description=description)


def _names_below(node: object, schemas: Mapping[str, Schema]) -> Iterator[str]:
    """The names of all schemas that `node` refers to, in any depth."""
    found, todo = set[str](), [node]
    while todo:
        for part in parts(todo.pop()):
            if isinstance(part, Reference) and (name := part.ref.rpartition("/")[2]) not in found:
                found.add(name)
                todo.append(schemas.get(name))
                yield name
