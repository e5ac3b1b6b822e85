"""Server-sent events (WHATWG HTML, section 9.2): an answer that lasts until its source ends or its client goes."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Protocol

from litestar import Response
from litestar.types import ASGIApp, Receive, Scope, Send

MEDIA_TYPE = "text/event-stream"
# What a `HEAD` request has in its scope: its answer ends with the head.
IS_HEAD = "is_head"

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # A proxy that compresses an answer holds it back.
    (b"cache-control", b"no-store, no-transform"),
    # nginx sends each part at once.
    (b"x-accel-buffering", b"no"),
]


class Source(Protocol):
    """Where the parts of a stream come from. `close` is called at the end, whatever ends the stream."""

    def messages(self) -> AsyncGenerator[bytes, None]:
        """The parts."""
        ...

    def close(self) -> None:
        """Release what the stream holds."""
        ...


class EventStream(Response[bytes]):
    """The response of a route: an endless answer with the parts of `source`."""

    def __init__(self, source: Source) -> None:
        super().__init__(b"", media_type=MEDIA_TYPE)
        self._source = source

    def to_asgi_response(self, *_: object, **__: object) -> ASGIApp:  # type: ignore[override] # none is about a stream
        """The response as an ASGI app. Headers and cookies of the route are none."""

        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS]})
                if IS_HEAD not in scope:
                    await _send_until_gone(self._source, receive, send)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                self._source.close()

        return respond


async def _send_until_gone(source: Source, receive: Receive, send: Send) -> None:
    """Send each part, until the source ends or the client goes. Raises as `send` does.

    In tasks of its own, because the tasks of the server cannot be cancelled.
    """
    sending = asyncio.create_task(_send_each(source, send))
    listening = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait([sending, listening], return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        await _cancel((sending, listening))


async def _send_each(source: Source, send: Send) -> None:
    async with aclosing(source.messages()) as parts:
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    under_way = [task for task in tasks if not task.done()]
    for task in under_way:
        task.cancel()
    if under_way:
        await asyncio.wait(under_way)
