"""Cross-origin requests of pages of the allowed origins (WHATWG Fetch, section 3.2): headers of answers, preflights."""

from collections.abc import Iterable

from litestar.types import HTTPScope
from msgspec import Struct

Headers = list[tuple[bytes, bytes]]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "X-Request-Id", "traceparent")
EXPOSED_HEADERS = (
    "Date", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Request-Id",
)  # fmt: skip
# How many seconds a browser may keep the answer to a preflight. Chromium keeps it for 2 hours at most.
PREFLIGHT_SECONDS = 600

# The answer depends on the header Origin, also where a request has none: a cache must not give it to another page.
VARY_ORIGIN = (b"vary", b"Origin")
PREFLIGHT: Headers = [
    (b"access-control-allow-methods", ", ".join(METHODS).encode()),
    (b"access-control-allow-headers", ", ".join(REQUEST_HEADERS).encode()),
    (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
    (b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers"),
]
EXPOSED = (b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode())


class Cors(Struct, frozen=True):
    """The headers that let pages of these origins read answers to their requests with cookies."""

    origins: frozenset[bytes]

    def headers_for(self, scope: HTTPScope) -> Headers:
        """The headers that every answer to this request gets, errors included. None if there are no allowed origins."""
        if not self.origins:
            return []
        origin = _allowed_origin(scope["headers"], self.origins)
        if origin is None:
            return [VARY_ORIGIN]
        allowed = [(b"access-control-allow-origin", origin), (b"access-control-allow-credentials", b"true")]
        return [VARY_ORIGIN, *allowed, EXPOSED]

    def is_preflight(self, scope: HTTPScope) -> bool:
        """Whether the request is a preflight of an allowed origin. All others are answered without CORS headers."""
        return (
            scope["method"] == "OPTIONS"
            and bool(self.origins)
            and any(name == b"access-control-request-method" for name, _ in scope["headers"])
            and _allowed_origin(scope["headers"], self.origins) is not None
        )


def cors_for(origins: Iterable[str]) -> Cors:
    """The CORS of these allowed origins."""
    return Cors(frozenset([origin.encode() for origin in origins]))


def _allowed_origin(headers: Iterable[tuple[bytes, bytes]], origins: frozenset[bytes]) -> bytes | None:
    """The request's origin, if it has one and this origin is allowed."""
    sent = [value for name, value in headers if name == b"origin"]
    return sent[0] if len(sent) == 1 and sent[0] in origins else None
