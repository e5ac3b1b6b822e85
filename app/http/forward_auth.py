"""Who calls, in the headers of an answer to a proxy: forward authentication."""

from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.auth.principal import Kept, Principal
from app.http.answers import NO_STORE
from app.recent import Recent

# The headers with the id, the address, the name and the platform role of the user, and the id of the session.
IDENTITY_HEADERS = (
    "X-Ostiary-User",
    "X-Ostiary-Email",
    "X-Ostiary-Name",
    "X-Ostiary-Platform-Role",
    "X-Ostiary-Session",
)
# How many answers each worker keeps: by principal and query.
KEPT_MAX = 10_000
# Clients may send longer queries: those are not kept, or they would fill the memory.
QUERY_MAX = 200


def identity_headers(principal: Principal) -> dict[str, str]:
    """The headers that tell a back end who calls: all five, those without a value empty.

    Values are percent-encoded UTF-8 (RFC 3986 section 2.1), so that none ends its header or begins another one; only
    letters, digits and `-._~@` stand for themselves. A service account has no address and no session.
    Raises `ValueError` for an anonymous principal.
    """
    user, session = principal.user, principal.session
    if user is None:
        raise ValueError("nobody is signed in")
    values = (str(user.id), user.email, user.name, user.platform_role or "", str(session.id) if session else "")
    return {name: quote(value, safe="@") for name, value in zip(IDENTITY_HEADERS, values, strict=True)}


_answers: Recent[tuple[Kept, bytes], list[tuple[bytes, bytes]]] = Recent(KEPT_MAX)


def keep_answer(principal: Principal, query: bytes, headers: Mapping[str, str]) -> None:
    """Keep the 204 of the route to this principal and query, if the principal is kept in memory."""
    if principal.kept is None or len(query) > QUERY_MAX:
        return
    key = principal.kept, query
    if _answers.get(key) is None:
        # `no-store` comes first, where the outermost layer looks for it.
        encoded = [NO_STORE, *[(name.lower().encode(), value.encode()) for name, value in headers.items()]]
        _answers.put(key, encoded, 1)


class IdentityAnswers(ASGIMiddleware):
    """The middleware of the route of forward authentication: it repeats a 204 of the route from memory.

    What the route answers follows from the principal and the query alone, so that its answer to a principal in memory
    holds as long as that is kept. Nothing but a 204 is kept, and the guard of the route does not run again.
    """

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """The middleware in front of the route. It has none of the framework's exclusions."""
        return partial(self.handle, next_app=app)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer from memory, or call the route."""
        principal: Principal = scope["user"]
        headers = _answers.get((principal.kept, scope["query_string"])) if principal.kept else None
        if headers is None:
            await next_app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
