"""Who sends a request, and what they may do: for Python back ends of Ostiary, in one file.

    verifier = Verifier("https://id.example.org", origins=["https://app.example.org"])
    app = OstiaryMiddleware(app, verifier)  # Starlette, FastAPI, Litestar: scope["state"]["caller"]

A session cookie or bearer token is forwarded to `GET /api/session` each time, so that a session that has ended counts
no more; an unchanged answer has no body. For Django, `django_middleware(verifier)` is a line of `MIDDLEWARE`.
"""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import httpx

__all__ = ["Caller", "OstiaryMiddleware", "Unavailable", "Verifier", "django_middleware"]

Scope: TypeAlias = MutableMapping[str, Any]
App: TypeAlias = Callable[[Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]], Awaitable[None]]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
KEPT_MAX: Final = 1_000
PATIENCE_SECONDS: Final = 5.0
_BEARER: Final = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
# Everything else is nobody's, and not worth a question. A cookie has no API key.
_TOKEN: Final = re.compile(r"ost_(?:key_)?[\w-]{43}", re.ASCII)


class Unavailable(Exception):  # noqa: N818 # the name that back ends know of httpx and Django
    """The service does not answer, or with an error: nobody can be let in."""


@dataclass(frozen=True)
class Caller:
    """Who sends a request, as the service has just answered. `rules` are raw CASL rules.

    `onboarded`: the profile is complete. Without that the service allows completing the profile and no more.
    """

    user_id: str
    user: Mapping[str, Any]
    session: Mapping[str, Any] | None
    memberships: Sequence[Mapping[str, Any]]
    rules: Sequence[Mapping[str, Any]]
    onboarded: bool


@dataclass(frozen=True)
class _Asked:
    """The question to the service, and the answer that is known."""

    headers: dict[str, str]
    key: str
    known: tuple[str, "Caller"] | None


@dataclass
class Verifier:
    """Asks the service at `base_url`.

    A cookie on a request that changes something counts only from a page of `origins` or of the same origin (OWASP CSRF
    Prevention Cheat Sheet). `cookie_name` is the setting COOKIE_NAME; the prefix `__Host-` is found too.
    """

    base_url: str
    origins: Iterable[str] = ()
    cookie_name: str = "auth_session"
    _kept: "OrderedDict[str, tuple[str, Caller]]" = field(default_factory=OrderedDict, repr=False)
    _async_client: httpx.AsyncClient | None = field(default=None, repr=False)
    _client: httpx.Client | None = field(default=None, repr=False)

    async def verify(self, method: str, headers: Mapping[str, str]) -> Caller | None:
        """Who sends a request with this method and these headers, by lower-case names. None for nobody who is known.

        Raises `Unavailable`.
        """
        if (asked := self._ask(method, headers)) is None:
            return None
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(base_url=self.base_url, timeout=PATIENCE_SECONDS)
        try:
            return self._read(asked, await self._async_client.get("/api/session", headers=asked.headers))
        except httpx.HTTPError as error:
            raise Unavailable("Ostiary does not answer") from error

    def verify_sync(self, method: str, headers: Mapping[str, str]) -> Caller | None:
        """`verify` for code that is not asynchronous."""
        if (asked := self._ask(method, headers)) is None:
            return None
        if self._client is None:
            self._client = httpx.Client(base_url=self.base_url, timeout=PATIENCE_SECONDS)
        try:
            return self._read(asked, self._client.get("/api/session", headers=asked.headers))
        except httpx.HTTPError as error:
            raise Unavailable("Ostiary does not answer") from error

    async def aclose(self) -> None:
        """Close the connections to the service."""
        if self._async_client is not None:
            await self._async_client.aclose()
        if self._client is not None:
            self._client.close()

    def _ask(self, method: str, headers: Mapping[str, str]) -> _Asked | None:
        credential = self._credential(method, headers)
        if credential is None:
            return None
        key = repr(credential)
        known = self._kept.pop(key, None)
        name, value = credential
        return _Asked({name: value, **({"If-None-Match": known[0]} if known else {})}, key, known)

    def _credential(self, method: str, headers: Mapping[str, str]) -> tuple[str, str] | None:
        """The header with the bearer token or the session cookies, if they count on this request."""
        if "authorization" in headers:
            bearer = _BEARER.fullmatch(headers["authorization"])
            counts = bearer and _TOKEN.fullmatch(bearer[1])
            return ("Authorization", f"Bearer {bearer[1]}") if bearer and counts else None
        names = (self.cookie_name, f"__Host-{self.cookie_name}")
        cookies = [one.strip() for one in headers.get("cookie", "").split(";")]
        named = [one.partition("=") for one in cookies]
        own = "; ".join(f"{name}={value}" for name, _, value in named if name in names and _TOKEN.fullmatch(value))
        same_origin = headers.get("sec-fetch-site") == "same-origin" or headers.get("origin") in set(self.origins)
        return ("Cookie", own) if own and (method in SAFE_METHODS or same_origin) else None

    def _read(self, asked: _Asked, answer: httpx.Response) -> Caller | None:
        if answer.status_code == httpx.codes.NOT_MODIFIED and asked.known:
            self._keep(asked.key, asked.known)
            return asked.known[1]
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"Ostiary answers {answer.status_code}")
        body = answer.json()
        if body["user"] is None:
            return None
        onboarded = not body["onboarding"]["required"]
        caller = Caller(
            body["user"]["id"], body["user"], body["session"], body["memberships"], body["rules"], onboarded
        )
        if "etag" in answer.headers:
            self._keep(asked.key, (answer.headers["etag"], caller))
        return caller

    def _keep(self, key: str, known: tuple[str, Caller]) -> None:
        self._kept[key] = known
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


class OstiaryMiddleware:
    """ASGI middleware for Starlette, FastAPI and Litestar: `scope["state"]["caller"]` is the `Caller`, or None.

    Answers 503 while the service does not answer. A route decides itself whom it lets in.
    """

    def __init__(self, app: App, verifier: Verifier) -> None:
        self.app = app
        self.verifier = verifier

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = dict[str, str]()
            for raw_name, raw_value in scope["headers"]:
                name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
                separator = "; " if name == "cookie" else ", "
                headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
            # The handshake of a websocket is a GET that can change something.
            method = scope["method"] if scope["type"] == "http" else "CONNECT"
            try:
                scope.setdefault("state", {})["caller"] = await self.verifier.verify(method, headers)
            except Unavailable:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1013})
                    return
                retry = [(b"retry-after", b"5"), (b"content-length", b"0")]
                await send({"type": "http.response.start", "status": 503, "headers": retry})
                await send({"type": "http.response.body", "body": b""})
                return
        await self.app(scope, receive, send)


def django_middleware(verifier: Verifier) -> Callable[..., Any]:
    """Django middleware for this verifier: `request.caller` is the `Caller`, or None.

    Write `ostiary = django_middleware(Verifier(…))` in a module of yours, and name it in MIDDLEWARE. Answers 503 while
    the service does not answer. A view decides itself whom it lets in.
    """

    def middleware(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
        from django.http import HttpResponse  # noqa: PLC0415 # whoever has no Django needs none

        def handle(request: Any) -> Any:  # noqa: ANN401 # Django has no types
            headers = {name.lower(): value for name, value in request.headers.items()}
            try:
                request.caller = verifier.verify_sync(request.method, headers)
            except Unavailable:
                return HttpResponse(status=503, headers={"Retry-After": "5"})
            return get_response(request)

        return handle

    return middleware
