"""An answer on its way to the client: it gets the headers of every answer, and a slow reader gets a deadline."""

from litestar.types import Message, Send

from app.http.slow_clients import PART_BYTES, RunningRequests, send_in_time

Header = tuple[bytes, bytes]

# A page has a policy of its own: of two policies, browsers take what both allow (CSP Level 3 section 4.2).
POLICY = b"content-security-policy"
# The headers that an answer with a policy of its own has itself.
OF_PAGES = (POLICY, b"referrer-policy")
NO_STORE = (b"cache-control", b"no-store")


class Answer:
    """The answer to one request: `send` takes the place of the server's.

    One object, because a function for each of its tasks takes several times the CPU time.
    """

    __slots__ = ("_headers", "_is_head", "_reader_seconds", "_request_id", "_running", "_send", "status")

    def __init__(
        self, send: Send, request_id: str, headers: list[Header], running: RunningRequests, reader_seconds: float
    ) -> None:
        """`headers` are added to those of the app. A reader has so many seconds for each part of a large answer."""
        self._send = send
        self._request_id = request_id
        self._headers = headers
        self._running = running
        self._reader_seconds = reader_seconds
        self._is_head = False
        self.status = 500

    def leave_content_out(self) -> None:
        """Answer HEAD: as GET, without its content (RFC 9110 section 9.3.2)."""
        self._is_head = True

    async def send(self, message: Message) -> None:
        """Send a message of the app. Raises `SlowReaderError`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            is_stored, is_page = False, False
            for name, _ in message["headers"]:
                if name == b"cache-control":
                    is_stored = True
                elif name == POLICY:
                    is_page = True
            own = self._headers if not is_page else [header for header in self._headers if header[0] not in OF_PAGES]
            headers = [*message["headers"], *own]
            message["headers"] = headers
            if not is_stored:
                headers.append(NO_STORE)
        elif message["type"] == "http.response.body":
            if self._is_head:
                message["body"] = b""
            elif len(message["body"]) > PART_BYTES or message.get("more_body"):
                await send_in_time(self._send, self._running, self._request_id, self._reader_seconds)(message)
                return
        await self._send(message)
