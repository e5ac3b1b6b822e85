"""Authenticates each request: makes a `Principal` from its credential before any route runs."""

from functools import partial
from uuid import UUID

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.auth.cookies import Credential, read_credential
from app.auth.csrf import SAFE_METHODS, forwarded_method, is_cross_site, loses_cookie
from app.auth.principal import ANONYMOUS, Authenticator, KeyAuthenticator, Principal
from app.auth.tokens import is_api_key, is_session_token
from app.errors import Problem

# The `opt` of a route whose answer sets the cookie: cross-site requests are refused there even without a cookie (login
# CSRF). Its value is True, or the name of the path parameter with the user at whose own request it does so.
SETS_COOKIE = "sets_cookie"
# The `opt` of a route that says whether a token which the session has replaced a few seconds ago still counts there.
# Without it: yes for safe methods.
ACCEPTS_REPLACED = "accepts_replaced"
# The `opt` of a route that a proxy asks about a request which it holds: what decides is the method of that one.
ASKED_BY_PROXY = "asked_by_proxy"
# The `opt` of a route that needs the details of the principal.
NEEDS_DETAILS = "needs_details"
# The `opt` of a route whose requests are no use of the session: they do not move its idle limit.
IS_NO_USE = "is_no_use"
# In the state of an anonymous request: the tokens that it presents.
PRESENTED_TOKENS = "presented_tokens"
# In the state of a request with several tokens, or with one that does not count: all of them, however many. Signing in
# and out end their sessions.
TOKENS_TO_END = "tokens_to_end"
NO_KEY = "An API key makes no sessions, keys or tokens, and ends none."
NOT_KEPT = (
    "Your browser keeps no cookie of this service for a page of another site. Serve both from one site, such as "
    "app.example.org and id.example.org, or one host name: localhost and 127.0.0.1 are two sites."
)


class AuthenticationMiddleware(ASGIMiddleware):
    """Sets `scope["user"]` to the principal and `scope["auth"]` to the session token that proved it, or None.

    A token that is malformed, unknown, expired or of a suspended user makes the request anonymous and raises no error.
    Of several cookies, one with a live session counts; cookies with two live sessions make the request anonymous.
    An API key counts as a bearer token alone, and not on routes whose answer sets the cookie.
    Raises `Problem`: `session_required` for a key on such a route, `cross_site_request`, `session_not_kept` where the
    browser would drop the cookie of the answer, and `session_replaced` where a replaced token does not count.
    """

    def __init__(
        self, authenticator: Authenticator, keys: KeyAuthenticator, cookie_name: str, own_origins: frozenset[str]
    ) -> None:
        self._authenticator = authenticator
        self._keys = keys
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
        principal, token = await self._authenticate(tokens, credential, detailed=bool(opt.get(NEEDS_DETAILS)))
        # Before any refusal, because its text is in the language of the user.
        scope["user"], scope["auth"] = principal, token
        method = forwarded_method(headers) if opt.get(ASKED_BY_PROXY) else scope["method"]  # type: ignore[typeddict-item] # all routes are HTTP
        unsafe = method not in SAFE_METHODS
        sets_cookie = bool(opt.get(SETS_COOKIE))
        if unsafe and (credential.cookie or sets_cookie):
            if is_cross_site(headers, self._own_origins, has_cookie=credential.cookie):
                raise Problem("cross_site_request", "Send the request from one of the allowed origins.")
            if sets_cookie and loses_cookie(headers) and not _is_about_another(scope, opt[SETS_COOKIE], principal):
                raise Problem("session_not_kept", NOT_KEPT)
        if len(tokens) > 1 or credential.others:
            scope["state"][TOKENS_TO_END] = (*tokens, *filter(is_session_token, credential.others))
        if principal.session is None:
            _require_no_key(principal, sets_cookie=sets_cookie)
            scope["state"][PRESENTED_TOKENS] = tokens
        elif not principal.replaced:
            if not opt.get(IS_NO_USE):
                self._authenticator.extend(principal)
        elif not opt.get(ACCEPTS_REPLACED, not unsafe):
            raise Problem("session_replaced", "Send the request again, with the present cookie.")
        await next_app(scope, receive, send)

    async def _authenticate(
        self, tokens: list[str], credential: Credential, *, detailed: bool
    ) -> tuple[Principal, str | None]:
        """The principal of the session tokens or the API key, and the session token that proves it.

        Anonymous if there is none, or if it proves nothing.
        """
        if not tokens:
            # A bearer token is the only one that counts, and is no cookie.
            bearer = "" if credential.cookie or not credential.tokens else credential.tokens[0]
            return (await self._keys.authenticate_key(bearer) if is_api_key(bearer) else ANONYMOUS), None
        if len(tokens) == 1:
            principal = self._authenticator.recall(tokens[0])
            if principal is None:
                principal = await self._authenticator.authenticate(tokens[0], detailed=detailed)
            return principal, tokens[0] if principal.session else None
        return await self._authenticator.authenticate_among(tokens)


def _require_no_key(principal: Principal, *, sets_cookie: bool) -> None:
    """Refuse an API key on a route whose answer sets the cookie: it signs somebody in or out, or issues a key."""
    if principal.key is not None and sets_cookie:
        raise Problem("session_required", NO_KEY)


def _is_about_another(scope: Scope, sets_cookie: bool | str, principal: Principal) -> bool:
    """Whether the request names another user than its own in the path parameter `sets_cookie`."""
    if principal.user is None or not isinstance(sets_cookie, str):
        return False
    try:
        return UUID(scope["path_params"][sets_cookie]) != principal.user.id
    except ValueError:  # `me`
        return False
