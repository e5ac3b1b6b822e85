"""JSON request bodies, decoded strictly: no coercion, no unknown field, every error told at once."""

from collections.abc import Generator
from typing import ClassVar

from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Struct

from app.http.body_errors import _structs, decode


class StrictJSON(AbstractDTO[object]):
    """Litestar's hook between the body's bytes and the handler's `data`; set once, for the whole app."""

    _types: ClassVar[dict[str, type[Struct]]] = {}

    def decode_bytes(self, value: bytes) -> object:
        """The body as the Struct that the handler declares. Raises `Problem`: 400 for what is not JSON, else 422."""
        handler = self.asgi_connection.route_handler
        return decode(value, self._types[handler.handler_id])

    @classmethod
    def closed_types(cls) -> frozenset[str]:
        """The names of the body types that refuse unknown fields."""
        types = [kind for declared in cls._types.values() for kind in _structs(declared) or (declared,)]
        return frozenset(kind.__name__ for kind in types if kind.__struct_config__.forbid_unknown_fields)

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: object = None
    ) -> None:
        """Remember the type that the handler declares; no transfer model is made."""
        cls._types[handler_id] = field_definition.annotation

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """Document the declared type itself."""
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        """Every body type is ours."""
        return True

    @classmethod
    def generate_field_definitions(cls, model_type: type[object]) -> Generator[DTOFieldDefinition, None, None]:
        """Nothing to generate: the Struct is the model."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Nested Structs need no transfer model either."""
        return False
