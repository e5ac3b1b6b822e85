"""The outermost ASGI layer: what every request and every answer gets, the router's own 404 and 405 included."""

from time import perf_counter
from typing import cast

import structlog
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPRequestEvent, HTTPScope, Message, Receive, Scope, Send
from uuid_utils import uuid7

from app.errors import Problem
from app.http.bodies import MAX_TEXTS_BYTES
from app.http.encoded_slashes import path_for_router
from app.http.problems import PROBLEM_JSON, render
from app.settings.model import Settings

# OWASP ASVS 5.0, 3.4. Answers are data, so that a page may neither load anything from them nor frame them.
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
    """The app inside the layer that every request passes.

    The layer takes the client's address from trusted proxies, gives the request an id, refuses what no route can take,
    adds headers to the answer, answers HEAD, and writes the access log.
    """
    fixed_headers = SECURITY_HEADERS if not settings.public_url.startswith("https:") else (*SECURITY_HEADERS, HSTS)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started = perf_counter()
        request_id = str(uuid7())
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key] # read by the exception handler
        scope["path"] = path_for_router(scope)
        method, path = scope["method"], scope["path"]
        if method == "HEAD":
            scope["method"], send = "GET", _without_content(send)
        own_headers = [*fixed_headers, (b"x-request-id", request_id.encode())]
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
            refusal = _refusal(scope)
            if refusal is None:
                await app(scope, _receive_whole_body(scope, receive), send_with_headers)
            else:
                await _answer(send_with_headers, refusal, request_id)
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


def _refusal(scope: HTTPScope) -> Problem | None:
    """The problem of a request that no route can take, found in its path and headers; None for any other request."""
    if "\0" in scope["path"] or not _is_text(scope["path"]):
        return Problem("malformed_request", "The path is not UTF-8 text.")
    values: dict[bytes, list[bytes]] = {b"content-length": [], b"content-type": [], b"transfer-encoding": []}
    for name, value in scope["headers"]:
        if name in values:
            values[name].append(value)
    lengths, media_types, encodings = values.values()
    if len(lengths) > 1 or not all(map(bytes.isdigit, lengths)):
        return Problem("malformed_request", "Content-Length must be one number.")
    digits = lengths[0].lstrip(b"0") if lengths else b""
    # Counted first, because `int` refuses a text of thousands of digits.
    if len(digits) > len(str(MAX_TEXTS_BYTES)) or int(digits or b"0") > MAX_TEXTS_BYTES:
        return Problem("body_too_large", "No route takes as much.")
    has_body = bool(digits or encodings)
    if has_body and [_without_parameters(media_type) for media_type in media_types] != [b"application/json"]:
        return Problem("unsupported_media_type", "Send Content-Type: application/json.")
    return None


def _is_text(path: str) -> bool:
    """Whether the path is without unpaired surrogates, which stand for bytes that are not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_parameters(media_type: bytes) -> bytes:
    """The type and subtype of a media type (RFC 9110 section 8.3.1)."""
    return media_type.partition(b";")[0].strip().lower()


async def _answer(send: Send, problem: Problem, request_id: str) -> None:
    """Answer the problem without the app."""
    body = render(problem, f"urn:uuid:{request_id}")
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _receive_whole_body(scope: HTTPScope, receive: Receive) -> Receive:
    """`receive` for routes that read nothing but the body: a disconnect means that the rest of the body is missing.

    The body ends with the last byte that Content-Length tells. The server tells the end with one more, empty message,
    which the route then need not wait for.
    """
    bytes_left: int | None = None

    async def wrapped() -> HTTPReceiveMessage:
        nonlocal bytes_left
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("malformed_request", "The body ends before it is complete.")
        request = cast("HTTPRequestEvent", message)
        if bytes_left is None:
            bytes_left = _content_length(scope)
        bytes_left -= len(request["body"])
        if bytes_left == 0:
            request["more_body"] = False
        return request

    return wrapped


def _content_length(scope: HTTPScope) -> int:
    """The length of the body in bytes, or -1 if no header tells it (RFC 9112 section 6.3)."""
    headers = dict(scope["headers"])
    return -1 if b"transfer-encoding" in headers else int(headers.get(b"content-length", -1))


def _without_content(send: Send) -> Send:
    """`send` for HEAD: the answer of GET without its content (RFC 9110 section 9.3.2)."""

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return wrapped
