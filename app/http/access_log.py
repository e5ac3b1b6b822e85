"""The access log: one JSON line for each request, without query string, headers or body."""

import asyncio
import select
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

# Lines wait this long and are written together, in a thread. What a process has not written is lost if it is killed.
FLUSH_SECONDS = 0.1
# Several processes share the standard error: a pipe keeps only so much together.
TOGETHER_BYTES = select.PIPE_BUF

Write = Callable[[bytes], None]


class Line(Struct, frozen=True):
    """One line; `ms` is the time of the answer in milliseconds."""

    event: str
    method: str
    path: str
    status: int
    ms: float
    request_id: str
    level: str
    timestamp: datetime


def write_to_stderr(lines: bytes) -> None:
    """Write whole lines to the standard error of the process."""
    sys.stderr.buffer.write(lines)
    sys.stderr.buffer.flush()


class AccessLog:
    """The lines of one process. `write` is called in a thread, for one part of the log at a time."""

    def __init__(self, write: Write = write_to_stderr) -> None:
        self._write = write
        self._encoder = msgspec.json.Encoder()
        self._lines: list[bytes] = []
        self._writing: asyncio.Task[None] | None = None

    def note(self, method: str, path: str, status: int, seconds: float, request_id: str) -> None:
        """Add the line of a request. Bytes of the path that are not UTF-8 are escaped."""
        if not path.isascii():
            path = path.encode(errors="backslashreplace").decode()
        line = Line("request", method, path, status, round(seconds * 1000, 2), request_id, "info", datetime.now(UTC))
        self._lines.append(self._encoder.encode(line) + b"\n")
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def flush(self) -> None:
        """Write all lines now. Called when the process stops."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        await self._write_lines()

    async def _write_soon(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self._write_lines()
        self._writing = None

    async def _write_lines(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            await asyncio.to_thread(_write_parts, self._write, lines)


def _write_parts(write: Write, lines: list[bytes]) -> None:
    part = bytearray()
    for line in lines:
        if len(part) + len(line) > TOGETHER_BYTES:
            write(bytes(part))
            part.clear()
        part += line
    write(bytes(part))
