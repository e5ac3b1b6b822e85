"""The OpenAPI document: what Litestar derives from the routes, and what it does not know of our answers."""

from collections.abc import Iterator

from litestar import Litestar, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    Schema,
    SecurityScheme,
    Tag,
)
from litestar.openapi.spec.enums import OpenAPIType

from app.auth.cookies import SessionCookie
from app.errors import KINDS, PROBLEM_JSON

PROBLEM = "Problem"
PATH = "/openapi.json"


class DocumentPlugin(JsonRenderPlugin):
    """Serves the document, and nothing else: the framework adds HTML pages at and below the router's own path."""

    def __init__(self) -> None:
        super().__init__(path=PATH)

    def receive_router(self, router: Router) -> None:
        """Take the pages out again, so that an unknown path gets a problem there as everywhere."""
        router.routes[:] = [route for route in router.routes if route.path.endswith(PATH)]


def config(cookie: SessionCookie, router: Router) -> OpenAPIConfig:
    """The document at /api/openapi.json, served through `router`, which carries its guard."""
    return OpenAPIConfig(
        title="Ostiary",
        version="0.1.0",
        description="Authentication and access control. Every error is an RFC 9457 problem with a stable `code`.",
        path="/",
        render_plugins=[DocumentPlugin()],
        openapi_router=router,
        use_handler_docstrings=True,
        security=[{"cookie": []}, {"bearer": []}, {}],
        components=Components(
            schemas={PROBLEM: _problem_schema()},
            security_schemes={
                "cookie": SecurityScheme(type="apiKey", name=cookie.name, security_scheme_in="cookie"),
                "bearer": SecurityScheme(type="http", scheme="bearer"),
            },
        ),
        tags=[Tag(name="Sessions"), Tag(name="Keys"), Tag(name="Languages"), Tag(name="Health")],
    )


def complete(app: Litestar, closed: frozenset[str]) -> None:
    """Add to the document what the framework leaves out.

    Every operation answers its errors as problem+json; the body schemas named in `closed` refuse unknown fields.
    """
    document = app.openapi_schema
    schemas = document.components.schemas
    for name in closed:
        schema = schemas[name]
        if isinstance(schema, Schema):
            schema.additional_properties = False
    problem = OpenAPIResponse(
        description="An error, told as a problem.",
        content={PROBLEM_JSON: OpenAPIMediaType(schema=Reference(ref=f"#/components/schemas/{PROBLEM}"))},
    )
    for operation in _operations(app):
        described = {status: answer for status, answer in (operation.responses or {}).items() if status < "400"}
        operation.responses = {**described, "default": problem}


def _operations(app: Litestar) -> Iterator[Operation]:
    for item in (app.openapi_schema.paths or {}).values():
        for method in ("get", "post", "put", "patch", "delete"):
            operation = getattr(item, method)
            if isinstance(operation, Operation):
                yield operation


def _problem_schema() -> Schema:
    text = Schema(type=OpenAPIType.STRING)
    error = Schema(
        type=OpenAPIType.OBJECT,
        properties={"field": text, "code": text, "message": text},
        required=["field", "code", "message"],
    )
    return Schema(
        type=OpenAPIType.OBJECT,
        properties={
            "type": text,
            "title": text,
            "status": Schema(type=OpenAPIType.INTEGER),
            "code": Schema(type=OpenAPIType.STRING, enum=list(KINDS)),
            "detail": text,
            "instance": text,
            "errors": Schema(type=OpenAPIType.ARRAY, items=error),
        },
        required=["type", "title", "status", "code"],
    )
