"""Clients of endless answers: one that leaves after the first part, and one that reads event by event."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from litestar.types import ASGIApp, HTTPDisconnectEvent, Message, Receive, Scope, Send

PATH = "/api/session/events"
EVENT_SECONDS = 10


def leaving_streams(app: ASGIApp) -> ASGIApp:
    """The app as a client sees it that leaves an endless answer after its first part."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH:
            await app(scope, receive, send)
            return
        seen = asyncio.Event()

        async def receive_until_seen() -> HTTPDisconnectEvent:
            await seen.wait()
            return {"type": "http.disconnect"}

        async def send_first(message: Message) -> None:
            if not seen.is_set():
                ends = message["type"] == "http.response.body"
                await send(cast("Message", {**message, "more_body": False}) if ends else message)
                if ends:
                    seen.set()

        await app(scope, receive_until_seen, send_first)

    return wrapped


class EventClient:
    """One open stream. The client reads nothing between two calls of `event`."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.parts: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.left = asyncio.Event()
        # While it is not set, nothing more fits between the service and the client.
        self.reads = asyncio.Event()
        self.reads.set()

    async def part(self) -> bytes | None:
        """The next part of the stream; None at its end."""
        async with asyncio.timeout(EVENT_SECONDS):
            return await self.parts.get()

    async def event(self) -> str | None:
        """The next event, without comments and `retry`; None at the end of the stream."""
        while (part := await self.part()) is not None:
            if part.startswith(b"event:"):
                return part.decode().strip()
        return None


@asynccontextmanager
async def event_stream(app: ASGIApp, token: str, method: str = "GET", **headers: str) -> AsyncIterator[EventClient]:
    """A stream of the session of this token, once the answer has begun. The client leaves at the end."""
    client, begun = EventClient(), asyncio.Event()
    sent = {"host": "127.0.0.1:8000", "cookie": f"auth_session={token}", **headers}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "root_path": "", "state": {},
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 40_000), "server": ("127.0.0.1", 8000),
    }  # fmt: skip

    async def receive() -> HTTPDisconnectEvent:
        await client.left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await client.reads.wait()
        if message["type"] == "http.response.start":
            client.status = message["status"]
            client.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            if message["body"]:
                client.parts.put_nowait(message["body"])
            if not message.get("more_body"):
                client.parts.put_nowait(None)
            begun.set()

    running: asyncio.Task[None] = asyncio.create_task(app(cast("Scope", scope), receive, send))  # type: ignore[arg-type] # a coroutine
    await asyncio.wait([running, waiting := asyncio.create_task(begun.wait())], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield client
    finally:
        client.left.set()
        async with asyncio.timeout(EVENT_SECONDS):
            await running
