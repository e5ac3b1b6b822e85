"""Cross-origin resource sharing (CORS, WHATWG Fetch section 3.3): which pages of other origins may read answers."""

from collections.abc import Sequence

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from app.errors import Problem
from app.http.problems import send_problem

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# What routes read, and what tracing libraries add by themselves (W3C Trace Context).
REQUEST_HEADERS = (
    "Authorization", "Content-Type", "If-Match", "If-None-Match", "traceparent", "tracestate", "X-Request-Id",
)  # fmt: skip
EXPOSED_HEADERS = (
    "Allow", "Date", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate",
    "X-Request-Id",
)  # fmt: skip
PREFLIGHT_SECONDS = 600
NOT_ALLOWED = "This origin is not one of the allowed origins."

Headers = list[tuple[bytes, bytes]]

VARY = (b"vary", b"Origin")
PREFLIGHT: Headers = [
    (b"access-control-allow-methods", ", ".join(METHODS).encode()),
    (b"access-control-allow-headers", ", ".join(REQUEST_HEADERS).encode()),
    (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
]


def share_with(app: ASGIApp, allowed_origins: Sequence[str]) -> ASGIApp:
    """The app inside a layer that answers preflights, and adds CORS headers to each answer to an allowed origin.

    An origin is allowed if it is on the list character for character; two values of `Origin` are none. A preflight of
    any other origin is the problem `cross_site_request`. If there are allowed origins, every answer varies on `Origin`.
    It wants `scope["request_id"]`.
    """
    shared = {origin.encode(): _shared_headers(origin) for origin in allowed_origins}

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if not shared and scope["method"] != "OPTIONS":  # type: ignore[typeddict-item] # HTTP alone
            await app(scope, receive, send)
            return
        origins, is_preflight = _read(scope)  # type: ignore[arg-type] # the outermost layer passes HTTP alone
        headers = shared.get(origins[0], []) if len(origins) == 1 else []
        send_shared = _adding([VARY, *headers], send) if shared else send
        if not is_preflight:
            await app(scope, receive, send_shared)
        elif headers:
            await send_shared({"type": "http.response.start", "status": 204, "headers": PREFLIGHT})
            await send_shared({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            request_id: str = scope["request_id"]  # type: ignore[typeddict-item] # set by the outermost layer
            refusal = Problem("cross_site_request", NOT_ALLOWED)
            await send_problem(scope, send_shared, refusal, request_id)  # type: ignore[arg-type] # HTTP alone

    return wrapped


def _adding(headers: Headers, send: Send) -> Send:
    """`send` with these headers added to the answer. A second `Vary` adds to the first (RFC 9110 section 5.3)."""

    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return send_more


def _shared_headers(origin: str) -> Headers:
    return [
        (b"access-control-allow-origin", origin.encode()),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode()),
    ]


def _read(scope: HTTPScope) -> tuple[list[bytes], bool]:
    """The values of `Origin`, and whether the request is a preflight."""
    origins = list[bytes]()
    asks_for_method = False
    for name, value in scope["headers"]:
        if name == b"origin":
            origins.append(value)
        elif name == b"access-control-request-method":
            asks_for_method = True
    return origins, asks_for_method and bool(origins) and scope["method"] == "OPTIONS"
