"""The end of a body, as the outermost layer tells the app of it."""

from collections.abc import Sequence
from typing import cast

import pytest
from litestar.types import HTTPReceiveMessage, HTTPScope, Message, Receive, Scope, Send

from app.http.outermost import outermost
from app.settings.model import Settings

Headers = Sequence[tuple[bytes, bytes]]
JSON = (b"content-type", b"application/json")


async def read(headers: Headers, *parts: bytes) -> tuple[bytes, int]:
    """The body that an app reads, sent in `parts`, and the number of messages that it received from the server."""
    body, waited = b"", 0
    left = [*parts, b""]  # as the server does: the last message is empty

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        nonlocal body
        more = True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            body, more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def receive() -> HTTPReceiveMessage:
        nonlocal waited
        waited += 1
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message: Message) -> None:
        assert message["type"] != "http.response.start" or message["status"] == 204

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/", "raw_path": b"/",
        "headers": [(b"host", b"x"), JSON, *headers],
    }  # fmt: skip
    await outermost(app, Settings(access_log=False))(cast("HTTPScope", scope), receive, send)
    return body, waited


@pytest.mark.parametrize("parts", [(b'{"a":1}',), (b'{"a"', b":1}"), (b"", b'{"a":1}')])
async def test_a_body_ends_with_the_last_byte_that_content_length_tells(parts: tuple[bytes, ...]) -> None:
    assert await read([(b"content-length", b"7")], *parts) == (b'{"a":1}', len(parts))


@pytest.mark.parametrize(
    "headers",
    [
        [(b"transfer-encoding", b"chunked")],
        # RFC 9112 section 6.3: Transfer-Encoding overrides Content-Length, which may hide the rest of the body.
        [(b"content-length", b"4"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"chunked"), (b"content-length", b"4")],
    ],
)
async def test_a_chunked_body_ends_with_the_last_message_of_the_server(headers: Headers) -> None:
    assert await read(headers, b'{"a"', b":1}") == (b'{"a":1}', 3)


async def test_a_body_shorter_than_its_content_length_ends_with_the_last_message_of_the_server() -> None:
    assert await read([(b"content-length", b"9")], b'{"a":1}') == (b'{"a":1}', 2)
