"""Authenticates each request: makes a `Principal` from its credential before any route runs."""

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.cookies import SessionCookie, read_credential
from app.auth.csrf import SAFE_METHODS, is_cross_site
from app.auth.principal import ANONYMOUS, Authenticator
from app.auth.tokens import is_session_token
from app.errors import Problem

# The `opt` of a route whose answer sets the cookie: cross-site requests are refused there even without a cookie (login
# CSRF).
SETS_COOKIE = "sets_cookie"


class AuthenticationMiddleware(ASGIMiddleware):
    """Sets `scope["user"]` to the principal and `scope["auth"]` to the token that proved it, or None.

    A token that is malformed, unknown, expired or of a suspended user makes the request anonymous and raises no error.
    Raises `Problem` `cross_site_request`.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, authenticator: Authenticator, cookie: SessionCookie, own_origins: frozenset[str]) -> None:
        self._authenticator = authenticator
        self._cookie = cookie
        self._own_origins = own_origins

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Authenticate, refuse cross-site requests, and send the cookie again if the session was extended."""
        headers = scope["headers"]
        credential = read_credential(headers, self._cookie.name)
        scope["user"], scope["auth"] = ANONYMOUS, None
        unsafe = scope["method"] not in SAFE_METHODS  # type: ignore[typeddict-item] # HTTP only, see `scopes`
        if (
            unsafe
            and (credential.cookie or scope["route_handler"].opt.get(SETS_COOKIE))
            and is_cross_site(headers, self._own_origins, has_cookie=credential.cookie)
        ):
            raise Problem("cross_site_request", "Send the request from one of the allowed origins.")
        token = credential.token
        if token is not None and is_session_token(token):
            principal = await self._authenticator.authenticate(token)
            if principal.session is not None:
                scope["user"], scope["auth"] = principal, token
                max_age = self._authenticator.extend(principal)
                if max_age is not None and credential.cookie:
                    send = _with_cookie(send, self._cookie.set_cookie(token, max_age).encode())
        await next_app(scope, receive, send)


def _with_cookie(send: Send, cookie: bytes) -> Send:
    """`send` that adds the cookie, unless the route itself has set or cleared the cookie of this name."""
    name_and_equals = cookie[: cookie.index(b"=") + 1]

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if not any(name.lower() == b"set-cookie" and value.startswith(name_and_equals) for name, value in headers):
                message["headers"] = [*headers, (b"set-cookie", cookie)]
        await send(message)

    return wrapped
