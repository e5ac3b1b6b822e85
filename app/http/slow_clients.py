"""What a slow client may hold: deadlines for bodies and for readers of answers, and the bound of running requests."""

import asyncio
from typing import cast

from litestar.types import (
    HTTPReceiveMessage,
    HTTPRequestEvent,
    HTTPResponseBodyEvent,
    HTTPScope,
    Message,
    Receive,
    Send,
)

from app.errors import Problem
from app.http.request_head import not_json

# A larger answer is sent in parts, so that the server holds one part of what its reader has not taken yet.
PART_BYTES = 64 * 1024


class SlowReaderError(Exception):
    """The client has not taken a part of an answer in time. The connection must be closed."""


class RunningRequests:
    """The requests that this worker works on. A request that waits for its client is not one of them."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._running: set[str] = set()

    def enter(self, request_id: str) -> None:
        """Count the request as running. Raises `Problem` `temporarily_unavailable` if that is one too many."""
        if len(self._running) >= self._maximum:
            headers = {"Retry-After": "1"}
            raise Problem(
                "temporarily_unavailable", "Too many requests at once.", headers=headers, reason="requests_max"
            )
        self._running.add(request_id)

    def leave(self, request_id: str) -> None:
        """Count the request no longer. It may not be counted."""
        self._running.discard(request_id)


def receive_in_time(receive: Receive, running: RunningRequests, request_id: str, seconds: float) -> Receive:
    """`receive` with one deadline for the whole body, so many seconds after the first call.

    It raises `Problem` `request_timeout`, which closes the connection, and `temporarily_unavailable` if too many other
    requests run when the client has sent something.
    """
    deadline: float | None = None

    async def wrapped() -> HTTPReceiveMessage:
        nonlocal deadline
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + seconds
        running.leave(request_id)
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise Problem(
                "request_timeout", f"Send the body within {seconds:g} seconds.", headers={"Connection": "close"}
            ) from None
        running.enter(request_id)
        return cast("HTTPReceiveMessage", message)

    return wrapped


def receive_whole_body(scope: HTTPScope, receive: Receive) -> Receive:
    """`receive` for routes that read nothing but the body: a disconnect means that the rest of the body is missing.

    The body ends with the last byte that Content-Length tells. The server tells the end with one more, empty message,
    which the route then need not wait for.
    """
    bytes_left: int | None = None

    async def wrapped() -> HTTPReceiveMessage:
        nonlocal bytes_left
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("malformed_request", "The body ends before it is complete.")
        request = cast("HTTPRequestEvent", message)
        if bytes_left is None:
            bytes_left = _content_length(scope)
        bytes_left -= len(request["body"])
        if bytes_left == 0:
            request["more_body"] = False
        return request

    return wrapped


async def receive_empty_body(receive: Receive) -> Receive:
    """`receive` for a body of which the server has told the end. Raises `Problem` for a body of one byte or more."""
    message = cast("HTTPRequestEvent", await receive())
    while message["more_body"] and not message["body"]:
        message = cast("HTTPRequestEvent", await receive())
    if message["body"]:
        raise not_json()

    async def wrapped() -> HTTPReceiveMessage:
        return message

    return wrapped


def send_in_time(send: Send, running: RunningRequests, request_id: str, seconds: float) -> Send:
    """`send` that waits at most so many seconds for the reader of each part of a large answer.

    It raises `SlowReaderError`. The server holds what is left of an answer; `app/server/sockets.py` has its deadline.
    """

    async def wrapped(message: Message) -> None:
        if message["type"] != "http.response.body" or (
            len(message["body"]) <= PART_BYTES and not message.get("more_body")
        ):
            await send(message)
            return
        running.leave(request_id)
        for part in _parts(message):
            try:
                async with asyncio.timeout(seconds):
                    await send(part)
            except TimeoutError:
                raise SlowReaderError from None

    return wrapped


def _parts(message: HTTPResponseBodyEvent) -> list[HTTPResponseBodyEvent]:
    body, more = message["body"], message.get("more_body", False)
    starts = range(0, max(len(body), 1), PART_BYTES)
    return [
        {
            "type": "http.response.body",
            "body": body[start : start + PART_BYTES],
            "more_body": more or start + PART_BYTES < len(body),
        }
        for start in starts
    ]


def _content_length(scope: HTTPScope) -> int:
    """The length of the body in bytes, or -1 if no header tells it (RFC 9112 section 6.3)."""
    headers = dict(scope["headers"])
    return -1 if b"transfer-encoding" in headers else int(headers.get(b"content-length", -1))
