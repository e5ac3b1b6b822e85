"""Which requests the app sees: those that some route can take, and not too many at once."""

import structlog
from litestar.types import ASGIApp, Receive, Scope, Send

from app.errors import Problem
from app.http.problems import OVERLOAD, note_refusal, send_problem
from app.http.request_head import Body, read_head
from app.http.slow_clients import (
    RunningRequests,
    SlowReaderError,
    receive_empty_body,
    receive_in_time,
    receive_whole_body,
)
from app.settings.model import Settings

# A worker at its bound of running requests is alive: a supervisor must not restart it.
ALWAYS_ADMITTED = "/health/live"

logger = structlog.get_logger("ostiary.access")


def admit(app: ASGIApp, settings: Settings, running: RunningRequests) -> ASGIApp:
    """The app behind a layer that refuses what no route can take and what is too much at once.

    The layer also combines the lines of a header that is a list, and limits how long the service waits for a body. It
    wants `scope["request_id"]`.
    """
    body_seconds = settings.body_timeout_seconds

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        request_id: str = scope["request_id"]  # type: ignore[typeddict-item] # set by the outermost layer
        try:
            if scope["path"] != ALWAYS_ADMITTED:
                running.enter(request_id)
            body = read_head(scope)  # type: ignore[arg-type] # the outermost layer passes HTTP alone
            if body is not Body.NONE:
                receive = receive_in_time(receive, running, request_id, body_seconds)
                receive = receive_whole_body(scope, receive)  # type: ignore[arg-type] # HTTP alone, as above
            if body is Body.MUST_BE_EMPTY:
                receive = await receive_empty_body(receive)
        except Problem as problem:
            if problem.code in OVERLOAD:
                note_refusal(problem, request_id)
            await send_problem(scope, send, problem, request_id)  # type: ignore[arg-type] # HTTP alone, as above
        else:
            await _run(app, scope, receive, send)
        finally:
            running.leave(request_id)

    return wrapped


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the app, and leave the rest of an answer to the server, which then closes the connection."""
    try:
        await app(scope, receive, send)
    except Exception as error:
        # Each layer of the framework raises an error of its own from any error after the start of an answer.
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        if not isinstance(cause, SlowReaderError):
            raise
        logger.warning("answer_not_read", request_id=scope["request_id"])  # type: ignore[typeddict-item]
