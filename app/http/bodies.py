"""JSON request bodies: the largest sizes, strict decoding, and Litestar's hook for it."""

from collections.abc import Generator
from typing import Protocol, TypeVar

import msgspec
from litestar import Litestar
from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from msgspec import Struct

from app.errors import Problem
from app.http.body_errors import error_of_body, errors_in, union_members

MAX_BODY_BYTES = 64 * 1024
# For routes that take texts: 20,000 characters, each escaped as a surrogate pair, or a batch of 500 that have 4 KiB on
# average. Such a body is read only after the route's guard has let the caller pass.
MAX_TEXTS_BYTES = 2 * 1024 * 1024

T = TypeVar("T", bound=Struct)


def decode(raw: bytes, wanted: type[T]) -> T:
    """The body `raw` as a `wanted`. Nothing is coerced and no unknown field is ignored.

    Raises `Problem`: `malformed_json` for bytes that are not one JSON value in UTF-8, `validation_failed` with one
    entry for each unknown, missing or unacceptable field. Text with a NUL character or an unpaired surrogate is not
    acceptable: PostgreSQL stores neither.
    """
    try:
        value = msgspec.json.decode(raw, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("validation_failed", errors=errors_in(raw, wanted) or [error_of_body(error)]) from None
    # msgspec takes an escaped NUL character. An escaped backslash before `u0000` is found too, and has no errors.
    if b"\\u0000" in raw and (errors := errors_in(raw, wanted)):
        raise Problem("validation_failed", errors=errors)
    return value


class SchemaCreator(Protocol):
    """The method of Litestar's schema creator that is used here; Litestar has no public name for its class."""

    def for_field_definition(self, field_definition: FieldDefinition, /) -> Schema | Reference:
        """The schema of a type."""
        ...


class StrictJSON(AbstractDTO[object]):
    """Litestar's hook between the bytes of a body and the handler's `data`; set once, for the whole app.

    A DTO of Litestar makes a transfer model of each type. The overrides below make none.
    """

    def decode_bytes(self, value: bytes) -> object:
        """The body as the Struct that the handler declares. Raises `Problem` as `decode` does."""
        return decode(value, self.asgi_connection.route_handler.parsed_data_field.annotation)

    @staticmethod
    def closed_types(app: Litestar) -> frozenset[str]:
        """The names of the body types of the app's routes that refuse unknown fields."""
        handlers = [handler for route in app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers]
        declared = [handler.parsed_data_field.annotation for handler in handlers if handler.parsed_data_field]
        types = [kind for wanted in declared for kind in union_members(wanted) or (wanted,)]
        return frozenset(kind.__name__ for kind in types if kind.__struct_config__.forbid_unknown_fields)

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: object = None
    ) -> None:
        """Make no transfer model."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """Document the declared type itself."""
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        """Take every type."""
        return True

    @classmethod
    def generate_field_definitions(cls, model_type: type[object]) -> Generator[DTOFieldDefinition, None, None]:
        """No fields: the Struct is the model."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """No nested models: nested Structs are decoded with the Struct that holds them."""
        return False
