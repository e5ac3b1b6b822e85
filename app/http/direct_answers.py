"""Answers that need no route: what they say follows from the principal, or from rows that are kept in memory.

They are sent without the framework's request and response, which would take two thirds of the CPU time.
"""

from collections.abc import Callable
from functools import partial
from typing import cast

from litestar.connection import ASGIConnection
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.guards.authorize import ANYONE, Connection, Guard
from app.http.ready_answers import ReadyAnswer

FOR_ANYONE = [ANYONE]


class DirectAnswers(ASGIMiddleware):
    """The middleware of a route: it sends the answer that `find` gives for the scope of a request, if it gives one.

    The guards of the route decide first, as they do in the route. Everything else is left to the route: a request
    without such an answer, one with a query, which the route checks, and an `If-None-Match` that is not one ETag.
    """

    def __init__(self, find: Callable[[Scope], ReadyAnswer | None]) -> None:
        self._find = find

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """The middleware in front of a route. It has none of the framework's exclusions, so that none is looked for."""
        return partial(self.handle, next_app=app)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer, or call the route. Raises as the guards do."""
        if scope["query_string"]:
            await next_app(scope, receive, send)
            return
        handler = scope["route_handler"]
        guards = cast("list[Guard]", handler.resolve_guards())
        if guards != FOR_ANYONE:
            connection: Connection = ASGIConnection(scope)
            for guard in guards:
                await guard(connection, handler)
        answer = self._find(scope)
        if answer is None:
            await next_app(scope, receive, send)
            return
        status, headers, body = 200, answer.headers, answer.body
        if answer.etag:
            named = [value for name, value in scope["headers"] if name == b"if-none-match"]
            if named == [answer.etag]:
                status, headers, body = 304, answer.unchanged_headers, b""
            elif named:
                await next_app(scope, receive, send)
                return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
