"""The OpenAPI document: derived from the routes by Litestar, and completed with what Litestar does not know."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from importlib.metadata import version

from litestar import Litestar, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    Schema,
    SecurityScheme,
    Tag,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from app.auth.cookies import SessionCookie
from app.errors import FIELD_CODES, KINDS
from app.http.openapi_fields import settle_fields
from app.http.openapi_names import operation_id, rename
from app.http.problems import PROBLEM_JSON

PROBLEM = "Problem"
PATH = "/openapi.json"
WITHOUT_BODY = ("204", "304")
TEXT = Schema(type=OpenAPIType.STRING)
CURRENT_VERSION = Schema(
    type=OpenAPIType.OBJECT,
    description="The version that a write has met: with 412, of the resource or of each item of a batch.",
    properties={
        "version": Schema(
            type=[OpenAPIType.INTEGER, OpenAPIType.NULL], description="Null if the resource was deleted then."
        ),
        "updatedBy": Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL], format=OpenAPIFormat.UUID),
        "updatedByName": Schema(
            type=[OpenAPIType.STRING, OpenAPIType.NULL], description="Null where the caller may not know it."
        ),
        "updatedAt": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME),
    },
    required=["version", "updatedBy", "updatedByName", "updatedAt"],
)
# Null for a resource that never was.
CURRENT = Schema(one_of=[Reference(ref="#/components/schemas/CurrentVersion"), Schema(type=OpenAPIType.NULL)])
FOR_PEOPLE = Schema(
    type=OpenAPIType.STRING,
    description="For people, in the language of `Accept-Language`, else of the user, else in English.",
)
FOR_DEVELOPERS = Schema(type=OpenAPIType.STRING, description="For developers, in English.")


class DocumentPlugin(JsonRenderPlugin):
    """Serves the document only: the framework adds HTML pages at and below the router's own path."""

    def __init__(self) -> None:
        super().__init__(path=PATH)

    def receive_router(self, router: Router) -> None:
        """Remove the framework's HTML pages, so that their paths answer a problem like every unknown path."""
        router.routes[:] = [route for route in router.routes if route.path.endswith(PATH)]


def config(cookie: SessionCookie, tags: Sequence[str], router: Router) -> OpenAPIConfig:
    """The document at /api/openapi.json, served through `router`, which carries the route's guard."""
    return OpenAPIConfig(
        title="Ostiary",
        version=version("ostiary"),
        description="Authentication and access control. Every error is an RFC 9457 problem with a stable `code`.",
        path="/",
        render_plugins=[DocumentPlugin()],
        openapi_router=router,
        use_handler_docstrings=True,
        operation_id_creator=operation_id,
        security=[{"cookie": []}, {"bearer": []}, {}],
        components=Components(
            security_schemes={
                "cookie": SecurityScheme(type="apiKey", name=cookie.name, security_scheme_in="cookie"),
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description="The token of a session, or the API key of a program."
                ),
            },
        ),
        tags=[Tag(name=name) for name in tags],
    )


def complete(app: Litestar, closed: frozenset[str]) -> None:
    """Complete the document.

    Every operation answers its errors as problem+json; the body schemas named in `closed` refuse unknown fields. Names
    are those that a person would write.
    """
    document = app.openapi_schema
    schemas = document.components.schemas
    settle_fields(document)
    schemas[PROBLEM], schemas["CurrentVersion"] = _problem_schema(), CURRENT_VERSION
    for name in closed:
        schema = schemas[name]
        if isinstance(schema, Schema):
            schema.additional_properties = False
    for operation in _operations(app):
        described = {status: answer for status, answer in (operation.responses or {}).items() if status < "400"}
        for status, answer in described.items():
            if isinstance(answer, OpenAPIResponse):
                _correct(status, answer)
        operation.responses = {**described, "default": _problem_response()}
        for parameter in operation.parameters or []:
            if isinstance(parameter, Parameter):
                parameter.schema = _without_null(parameter.schema)
    rename(document)


def _operations(app: Litestar) -> Iterator[Operation]:
    for item in (app.openapi_schema.paths or {}).values():
        for method in ("get", "post", "put", "patch", "delete"):
            operation = getattr(item, method)
            if isinstance(operation, Operation):
                yield operation


def _without_null(schema: Schema | Reference | None) -> Schema | Reference | None:
    """The schema of a parameter that may be left out: there is no text for null in a query or a header."""
    if not isinstance(schema, Schema):
        return schema
    if schema.enum and isinstance(schema.type, list):
        (kind,) = [kind for kind in schema.type if kind != OpenAPIType.NULL]
        return replace(schema, type=kind, enum=[value for value in schema.enum if value is not None])
    others = [kind for kind in schema.one_of or () if not isinstance(kind, Schema) or kind.type != OpenAPIType.NULL]
    if len(others) != 1 or not isinstance(others[0], Schema):
        return schema
    said = {field.name: value for field in fields(schema) if (value := getattr(schema, field.name)) is not None}
    del said["one_of"]
    return replace(others[0], **said)


def _correct(status: str, answer: OpenAPIResponse) -> None:
    headers = {name: header for name, header in (answer.headers or {}).items() if isinstance(header, OpenAPIHeader)}
    if status == "201":
        headers["Location"] = OpenAPIHeader(description="Where the new resource is.")
    for header in headers.values():
        header.schema = TEXT
    answer.headers = dict(headers)
    if status in WITHOUT_BODY:
        answer.content = None


def _problem_response() -> OpenAPIResponse:
    return OpenAPIResponse(
        description="An error, told as a problem.",
        headers={
            "WWW-Authenticate": OpenAPIHeader(schema=TEXT, description="How to sign in; with every 401."),
            "Retry-After": OpenAPIHeader(
                schema=TEXT, description="After how many seconds to try again; with every 429 and 503."
            ),
            "RateLimit-Policy": OpenAPIHeader(
                schema=TEXT,
                description="The limit of this client that refuses; with 429, unless it is another's limit.",
            ),
            "RateLimit": OpenAPIHeader(schema=TEXT, description="What is left of that limit, and until when."),
        },
        content={PROBLEM_JSON: OpenAPIMediaType(schema=Reference(ref=f"#/components/schemas/{PROBLEM}"))},
    )


def _problem_schema() -> Schema:
    params = Schema(
        type=OpenAPIType.OBJECT,
        description='What the text depends on, such as `{"min": 15}`.',
        additional_properties=Schema(one_of=[TEXT, Schema(type=OpenAPIType.INTEGER)]),
    )
    error = Schema(
        type=OpenAPIType.OBJECT,
        properties={
            "field": TEXT,
            "code": Schema(type=OpenAPIType.STRING, enum=sorted(FIELD_CODES)),
            "message": FOR_PEOPLE,
            "hint": FOR_DEVELOPERS,
            "params": params,
            "current": CURRENT,
        },
        required=["field", "code", "message"],
    )
    return Schema(
        type=OpenAPIType.OBJECT,
        properties={
            "type": TEXT,
            "title": FOR_DEVELOPERS,
            "status": Schema(type=OpenAPIType.INTEGER),
            "code": Schema(type=OpenAPIType.STRING, enum=list(KINDS)),
            "text": FOR_PEOPLE,
            "params": params,
            "detail": FOR_DEVELOPERS,
            "instance": TEXT,
            "errors": Schema(type=OpenAPIType.ARRAY, items=error),
            "current": CURRENT,
        },
        required=["type", "title", "status", "code", "text"],
    )
