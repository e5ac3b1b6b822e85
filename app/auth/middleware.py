"""Authenticates each request: makes a `Principal` from its credential before any route runs."""

from functools import partial
from uuid import UUID

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.auth.cookies import read_credential
from app.auth.csrf import SAFE_METHODS, is_cross_site, loses_cookie
from app.auth.principal import ANONYMOUS, Authenticator, Principal
from app.auth.tokens import is_session_token
from app.errors import Problem

# The `opt` of a route whose answer sets the cookie: cross-site requests are refused there even without a cookie (login
# CSRF). Its value is True, or the name of the path parameter with the user at whose own request it does so.
SETS_COOKIE = "sets_cookie"
# The `opt` of a route that says whether a token which the session has replaced a few seconds ago still counts there.
# Without it: yes for safe methods.
ACCEPTS_REPLACED = "accepts_replaced"
# The `opt` of a route that needs the details of the principal.
NEEDS_DETAILS = "needs_details"
# In the state of an anonymous request: the tokens that it presents.
PRESENTED_TOKENS = "presented_tokens"
# In the state of a request with several tokens, or with one that does not count: all of them, however many. Signing in
# and out end their sessions.
TOKENS_TO_END = "tokens_to_end"
NOT_KEPT = (
    "Your browser keeps no cookie of this service for a page of another site. Serve both from one site, such as "
    "app.example.org and id.example.org, or one host name: localhost and 127.0.0.1 are two sites."
)


class AuthenticationMiddleware(ASGIMiddleware):
    """Sets `scope["user"]` to the principal and `scope["auth"]` to the token that proved it, or None.

    A token that is malformed, unknown, expired or of a suspended user makes the request anonymous and raises no error.
    Of several cookies, one with a live session counts; cookies with two live sessions make the request anonymous.
    Raises `Problem`: `cross_site_request`, `session_not_kept` where the browser would drop the cookie of the answer,
    and `session_replaced` where a replaced token does not count.
    """

    def __init__(self, authenticator: Authenticator, cookie_name: str, own_origins: frozenset[str]) -> None:
        self._authenticator = authenticator
        self._cookie_name = cookie_name
        self._own_origins = own_origins

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """The middleware in front of the routes. It has none of the framework's exclusions: no route is left out."""
        return partial(self.handle, next_app=app)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Authenticate, and refuse cross-site requests."""
        headers, opt = scope["headers"], scope["route_handler"].opt
        scope["user"], scope["auth"] = ANONYMOUS, None
        credential = read_credential(headers, self._cookie_name)
        tokens = [token for token in credential.tokens if is_session_token(token)]
        principal, token = await self._authenticate(tokens, detailed=bool(opt.get(NEEDS_DETAILS)))
        # Before any refusal, because its text is in the language of the user.
        scope["user"], scope["auth"] = principal, token
        unsafe = scope["method"] not in SAFE_METHODS  # type: ignore[typeddict-item] # HTTP only, see `scopes`
        sets_cookie = bool(opt.get(SETS_COOKIE))
        if unsafe and (credential.cookie or sets_cookie):
            if is_cross_site(headers, self._own_origins, has_cookie=credential.cookie):
                raise Problem("cross_site_request", "Send the request from one of the allowed origins.")
            if sets_cookie and loses_cookie(headers) and not _is_about_another(scope, opt[SETS_COOKIE], principal):
                raise Problem("session_not_kept", NOT_KEPT)
        if len(tokens) > 1 or credential.others:
            scope["state"][TOKENS_TO_END] = (*tokens, *filter(is_session_token, credential.others))
        if principal.session is None:
            scope["state"][PRESENTED_TOKENS] = tokens
        elif not principal.replaced:
            self._authenticator.extend(principal)
        elif not opt.get(ACCEPTS_REPLACED, not unsafe):
            raise Problem("session_replaced", "Send the request again, with the present cookie.")
        await next_app(scope, receive, send)

    async def _authenticate(self, tokens: list[str], *, detailed: bool) -> tuple[Principal, str | None]:
        """The principal of the tokens, and the token that proves it; anonymous without one, and without a token."""
        if not tokens:
            return ANONYMOUS, None
        if len(tokens) == 1:
            principal = self._authenticator.recall(tokens[0])
            if principal is None:
                principal = await self._authenticator.authenticate(tokens[0], detailed=detailed)
            return principal, tokens[0] if principal.session else None
        return await self._authenticator.authenticate_among(tokens)


def _is_about_another(scope: Scope, sets_cookie: bool | str, principal: Principal) -> bool:
    """Whether the request names another user than its own in the path parameter `sets_cookie`."""
    if principal.user is None or not isinstance(sets_cookie, str):
        return False
    try:
        return UUID(scope["path_params"][sets_cookie]) != principal.user.id
    except ValueError:  # `me`
        return False
