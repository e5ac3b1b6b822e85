"""Answers that need no route: a constant one, and one that is kept because it follows from the principal alone.

They are sent without the framework's request and response, which would take two thirds of the CPU time.
"""

import zlib

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.auth.principal import KeptAnswer
from app.recent import Recent

# Raw deflate with a window of 8 KiB, which is enough for an answer behind its dictionary.
WINDOW = -13
# The answers to some 6,000 users of 3 memberships.
INFLATED_BYTES = 14_000_000


class ConstantAnswer(ASGIMiddleware):
    """The middleware of a route that everyone may call and that always answers the same: it sends that answer.

    Parameters in the query are left to the route, which refuses them.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, body: bytes) -> None:
        """`body` is JSON."""
        self._headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        self._body = body

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer, or call the route."""
        if scope["query_string"]:
            await next_app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


class KeptAnswers(ASGIMiddleware):
    """The middleware of a route: it sends the kept answer if there is one, and 304 to a client that has it.

    The answer is kept with the principal, and is gone with it: see `app/domain/sessions/principal_cache.py`.
    Everything else is left to the route: parameters in the query, and an `If-None-Match` of another form. Only for a
    route that everyone may call: the guards of the route do not run.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, headers: dict[str, str], example: bytes) -> None:
        """`headers` are those of each answer. Answers are stored as what differs from the example."""
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._example = example
        self._inflated: Recent[KeptAnswer, bytes] = Recent(INFLATED_BYTES)

    def keep(self, answer: KeptAnswer | None, body: bytes, etag: str) -> None:
        """Keep the JSON body and its ETag with the principal that `answer` belongs to, if that is kept."""
        if answer is not None:
            compressor = zlib.compressobj(wbits=WINDOW, zdict=self._example)
            answer.deflated = compressor.compress(body) + compressor.flush()
            answer.etag = etag.encode()

    def _body_of(self, answer: KeptAnswer) -> bytes:
        """The body. The last ones are kept inflated: zlib lets other threads run, which takes longer than all else."""
        body = self._inflated.get(answer)
        if body is None:
            body = zlib.decompressobj(wbits=WINDOW, zdict=self._example).decompress(answer.deflated)
            self._inflated.put(answer, body, len(body))
        return body

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer from memory, or call the route."""
        answer: KeptAnswer | None = scope["user"].answer
        if answer is None or not answer.etag or scope["query_string"]:
            await next_app(scope, receive, send)
            return
        named = [value for name, value in scope["headers"] if name == b"if-none-match"]
        if named and named != [answer.etag]:
            await next_app(scope, receive, send)
            return
        headers, body = [(b"etag", answer.etag), *self._headers], b""
        if not named:
            body = self._body_of(answer)
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 304 if named else 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
