"""The outermost ASGI layer: what every answer gets, those of the router's own 404 and 405 included."""

from time import perf_counter
from typing import cast
from urllib.parse import unquote

import structlog
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPRequestEvent, HTTPScope, Message, Receive, Scope, Send
from uuid_utils import uuid7

from app.errors import Problem
from app.http.problems import PROBLEM_JSON, render
from app.settings.model import Settings

MAX_BODY_BYTES = 64 * 1024
# For routes that take texts: 20,000 characters, each escaped as a surrogate pair, or a batch of 500 that have 4 KiB on
# average. Such a body is read only after the route's guard has let the caller pass.
MAX_TEXTS_BYTES = 2 * 1024 * 1024

# OWASP ASVS 5.0, 3.4; the answers are data, so nothing may be loaded or framed from them.
SECURITY_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-site"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
NO_STORE = (b"cache-control", b"no-store")

logger = structlog.get_logger("ostiary.access")


def outermost(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Wrap the app: client address from trusted proxies, request id, gate, security headers, access log."""
    fixed = SECURITY_HEADERS if not settings.public_url.startswith("https:") else (*SECURITY_HEADERS, HSTS)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        scope["path"] = _with_encoded_slashes(scope)
        method, path = scope["method"], scope["path"]
        if method == "HEAD":
            scope["method"], send = "GET", _without_content(send)
        started = perf_counter()
        request_id = str(uuid7())
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key] # read by the exception handler
        own_headers = [*fixed, (b"x-request-id", request_id.encode())]
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], *own_headers]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append(NO_STORE)
                message["headers"] = headers
            await send(message)

        try:
            problem = _refused(scope)
            if problem is None:
                await app(scope, _whole_body(scope, receive), send_with_headers)
            else:
                await _answer(send_with_headers, problem, request_id)
        finally:
            if settings.access_log:
                logger.info(
                    "request",
                    method=method,
                    path=path.encode(errors="backslashreplace").decode(),
                    status=status,
                    ms=round((perf_counter() - started) * 1000, 2),
                    request_id=request_id,
                )

    if settings.trusted_proxies:
        proxied: ASGIApp = wrap_asgi_with_proxy_headers(wrapped, trusted_hosts=list(settings.trusted_proxies))
        return proxied
    return wrapped


def _whole_body(scope: HTTPScope, receive: Receive) -> Receive:
    """`receive` for routes that only read a body: a disconnect can only come in place of the rest of it.

    A body is known to be whole once it has its Content-Length; the server tells only with one more, empty message.
    """
    left: int | None = None

    async def wrapped() -> HTTPReceiveMessage:
        nonlocal left
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("malformed_request", "The body ends before it is complete.")
        request = cast("HTTPRequestEvent", message)
        if left is None:
            left = _content_length(scope)
        left -= len(request["body"])
        if left == 0:
            request["more_body"] = False
        return request

    return wrapped


def _content_length(scope: HTTPScope) -> int:
    """As many bytes as the body has, or -1 where no header tells (RFC 9112 section 6.3)."""
    headers = dict(scope["headers"])
    return -1 if b"transfer-encoding" in headers else int(headers.get(b"content-length", -1))


def _without_content(send: Send) -> Send:
    """`send` for HEAD: the answer of GET, but for its content (RFC 9110 section 9.3.2)."""

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return wrapped


def _with_encoded_slashes(scope: HTTPScope) -> str:
    """The decoded path, but for slashes that were sent as %2F: they belong to a segment (RFC 3986 section 2.2).

    The percent sign stays encoded too, so that `unquote` gives of each segment what was sent, and %252F is no slash.
    """
    raw = scope.get("raw_path", b"").partition(b"?")[0]
    if b"%2" not in raw:
        return scope["path"]
    segments = [unquote(segment, errors="surrogateescape") for segment in raw.decode("latin-1").split("/")]
    return "/".join([segment.replace("%", "%25").replace("/", "%2F") for segment in segments])


def _refused(scope: Scope) -> Problem | None:
    """What no route could make sense of, told from the head of the request alone."""
    if "\0" in scope["path"] or not _is_text(scope["path"]):
        return Problem("malformed_request", "The path is not UTF-8 text.")
    framing: dict[bytes, list[bytes]] = {b"content-length": [], b"content-type": [], b"transfer-encoding": []}
    for name, value in scope["headers"]:
        if name in framing:
            framing[name].append(value)
    lengths, media_types, encodings = framing.values()
    if len(lengths) > 1 or not all(map(bytes.isdigit, lengths)):
        return Problem("malformed_request", "Content-Length must be one number.")
    digits = lengths[0].lstrip(b"0") if lengths else b""
    if len(digits) > len(str(MAX_TEXTS_BYTES)) or int(digits or b"0") > MAX_TEXTS_BYTES:
        return Problem("body_too_large", "No route takes as much.")
    if (digits or encodings) and [_essence(media_type) for media_type in media_types] != [b"application/json"]:
        return Problem("unsupported_media_type", "Send Content-Type: application/json.")
    return None


def _essence(media_type: bytes) -> bytes:
    return media_type.partition(b";")[0].strip().lower()


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _answer(send: Send, problem: Problem, request_id: str) -> None:
    body = render(problem, f"urn:uuid:{request_id}")
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
