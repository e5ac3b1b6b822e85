"""Authenticates each request: makes a `Principal` from its credential before any route runs."""

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.auth.cookies import SessionCookie, read_credential
from app.auth.csrf import SAFE_METHODS, is_cross_site
from app.auth.principal import ANONYMOUS, Authenticator
from app.auth.tokens import is_session_token
from app.errors import Problem

# The `opt` of a route whose answer sets the cookie: cross-site requests are refused there even without a cookie (login
# CSRF).
SETS_COOKIE = "sets_cookie"
# The `opt` of a route that says whether a token which the session has replaced a few seconds ago still counts there.
# Without it: yes for safe methods.
ACCEPTS_REPLACED = "accepts_replaced"


class AuthenticationMiddleware(ASGIMiddleware):
    """Sets `scope["user"]` to the principal and `scope["auth"]` to the token that proved it, or None.

    A token that is malformed, unknown, expired or of a suspended user makes the request anonymous and raises no error.
    Raises `Problem`: `cross_site_request`, and `session_replaced` where a replaced token does not count.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, authenticator: Authenticator, cookie: SessionCookie, own_origins: frozenset[str]) -> None:
        self._authenticator = authenticator
        self._cookie = cookie
        self._own_origins = own_origins

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Authenticate, and refuse cross-site requests."""
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
                if not principal.replaced:
                    self._authenticator.extend(principal)
                elif not scope["route_handler"].opt.get(ACCEPTS_REPLACED, not unsafe):
                    raise Problem("session_replaced", "Send the request again, with the present cookie.")
                scope["user"], scope["auth"] = principal, token
        await next_app(scope, receive, send)
