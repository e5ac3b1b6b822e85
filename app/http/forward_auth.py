"""Who calls, in the headers of an answer to a proxy: forward authentication."""

from urllib.parse import quote

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.auth.principal import KeptAnswer, Principal
from app.guards.policy import is_onboarded
from app.recent import Recent

# The headers with the id, the address, the name and the platform role of the user, and the id of the session.
IDENTITY_HEADERS = (
    "X-Ostiary-User",
    "X-Ostiary-Email",
    "X-Ostiary-Name",
    "X-Ostiary-Platform-Role",
    "X-Ostiary-Session",
)
# For how many principals the headers are kept encoded.
KEPT_MAX = 6_000


def identity_headers(principal: Principal) -> dict[str, str]:
    """The headers that tell a back end who calls: all five, those without a value empty.

    Values are percent-encoded UTF-8 (RFC 3986 section 2.1), so that none ends its header or begins another one; only
    letters, digits and `-._~@` stand for themselves. Raises `ValueError` for a principal without a session.
    """
    user, session = principal.user, principal.session
    if user is None or session is None:
        raise ValueError("nobody is signed in")
    values = (str(user.id), user.email, user.name, user.platform_role or "", str(session.id))
    return {name: quote(value, safe="@") for name, value in zip(IDENTITY_HEADERS, values, strict=True)}


class IdentityAnswers(ASGIMiddleware):
    """The middleware of the route of forward authentication: it answers for principals in memory without the route.

    The guard of the route does not run then: the middleware answers only those whom it lets pass, users with a complete
    profile. Everything else, and a question to the policy in the query, is left to the route.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self) -> None:
        self._kept: Recent[KeptAnswer, list[tuple[bytes, bytes]]] = Recent(KEPT_MAX)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer 204 with the headers, or call the route."""
        principal: Principal = scope["user"]
        if principal.answer is None or scope["query_string"] or not is_onboarded(principal):
            await next_app(scope, receive, send)
            return
        headers = self._kept.get(principal.answer)
        if headers is None:
            named = identity_headers(principal)
            headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
            self._kept.put(principal.answer, headers, 1)
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
