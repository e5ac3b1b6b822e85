"""Which requests the app sees: those that some route can take, and not too many at once."""

import structlog
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from app.errors import Problem
from app.http.problems import send_problem
from app.http.request_head import refuse_unreadable
from app.http.slow_clients import (
    RunningRequests,
    SlowReaderError,
    receive_empty_body,
    receive_in_time,
    receive_whole_body,
    send_in_time,
)
from app.settings.model import Settings

# A worker at its bound of running requests is alive: a supervisor must not restart it.
ALWAYS_ADMITTED = "/health/live"

logger = structlog.get_logger("ostiary.access")


def admit(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The app behind a layer that refuses what no route can take and what is too much at once.

    The layer also limits how long the service waits for the client. It wants `scope["request_id"]`.
    """
    running = RunningRequests(settings.requests_max)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        request_id: str = scope["request_id"]  # type: ignore[typeddict-item] # set by the outermost layer
        send = send_in_time(send, running, request_id, settings.reader_timeout_seconds)
        receive = receive_in_time(receive, running, request_id, settings.body_timeout_seconds)
        try:
            if scope["path"] != ALWAYS_ADMITTED:
                running.enter(request_id)
            receive = await _checked(scope, receive)  # type: ignore[arg-type] # the outermost layer passes HTTP alone
        except Problem as problem:
            await send_problem(scope, send, problem, request_id)  # type: ignore[arg-type] # HTTP alone, as above
        else:
            await _run(app, scope, receive, send)
        finally:
            running.leave(request_id)

    return wrapped


async def _checked(scope: HTTPScope, receive: Receive) -> Receive:
    """`receive` for the app. Raises `Problem` for a request that no route can take."""
    body_must_be_empty = refuse_unreadable(scope)
    receive = receive_whole_body(scope, receive)
    return await receive_empty_body(receive) if body_must_be_empty else receive


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
