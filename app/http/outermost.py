"""The outermost ASGI layer: what every request and every answer gets, the router's own 404 and 405 included."""

from collections.abc import Sequence
from time import perf_counter

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from uuid_utils import uuid7

from app.http.access_log import AccessLog
from app.http.admission import admit
from app.http.answers import Answer
from app.http.client_address import Network, client_address, plain, read_network
from app.http.cors import share_with
from app.http.encoded_slashes import path_for_router
from app.http.slow_clients import RunningRequests
from app.settings.model import Settings

# OWASP ASVS 5.0, 3.4. Answers are data, so that a page may neither load anything from them nor frame them.
SECURITY_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-site"),
)


def outermost(app: ASGIApp, settings: Settings, log: AccessLog | None = None) -> ASGIApp:
    """The app inside the layer that every request passes. Without `log`, lines go to the standard error.

    The layer takes the client's address from trusted proxies, gives the
    request an id, admits the request or refuses it, adds headers to the answer, shares it with allowed origins, answers
    HEAD, and writes the access log.
    """
    fixed_headers = [*SECURITY_HEADERS, *_hsts(settings)]
    proxies = [read_network(proxy) for proxy in settings.trusted_proxies]
    running, reader_seconds = RunningRequests(settings.requests_max), settings.reader_timeout_seconds
    shared = share_with(admit(app, settings, running), settings.allowed_origins)
    access_log = (log or AccessLog()) if settings.access_log else None

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, _flushing(send, access_log) if access_log else send)
            return
        started = perf_counter()
        request_id = str(uuid7())
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key] # read by the exception handler
        scope["path"] = path = path_for_router(scope)
        scope["client"] = _client(scope, proxies)
        method = scope["method"]
        own_headers = [*fixed_headers, (b"x-request-id", request_id.encode())]
        answer = Answer(send, request_id, own_headers, running, reader_seconds)
        if method == "HEAD":
            scope["method"] = "GET"
            answer.leave_content_out()
        try:
            await shared(scope, receive, answer.send)
        finally:
            if access_log:
                access_log.note(method, path, answer.status, perf_counter() - started, request_id)

    return wrapped


def _flushing(send: Send, access_log: AccessLog) -> Send:
    """`send` that writes the access log before it tells the server that the app has stopped, which ends the process."""

    async def wrapped(message: Message) -> None:
        if str(message["type"]).startswith("lifespan.shutdown"):
            await access_log.flush()
        await send(message)

    return wrapped


def _hsts(settings: Settings) -> list[tuple[bytes, bytes]]:
    """Strict-Transport-Security (RFC 6797), where the service is reached by https."""
    if not settings.public_url.startswith("https:"):
        return []
    subdomains = b"; includeSubDomains" if settings.hsts_include_subdomains else b""
    return [(b"strict-transport-security", b"max-age=31536000" + subdomains)]


def _client(scope: HTTPScope, proxies: Sequence[Network]) -> tuple[str, int] | None:
    """The address of the client in its plain form, and the port of the connection; None if there is no address."""
    if scope.get("client") is None:
        return None
    peer, port = scope["client"]  # type: ignore[misc] # checked above
    if not proxies:
        return plain(peer), port
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_address(peer, forwarded, proxies), port
