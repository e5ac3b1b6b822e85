"""The access log: one JSON line for each request, without query string, headers or body."""

import asyncio
import os
import select
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread

import msgspec
from msgspec import Struct

# Lines wait this long and are written together, in a thread. What a process has not written is lost if it is killed.
FLUSH_SECONDS = 0.1
# Lines that wait for a reader of the log. Further ones are counted and left out.
LINES_MAX = 10_000
# A process that stops waits this long for a reader of the log.
STOP_SECONDS = 1.0
# Several processes share the standard error, and a pipe keeps only so much of a write together.
TOGETHER_BYTES = select.PIPE_BUF
STDERR = 2
# What is shown of a path or a method whose line would be longer.
SHOWN_CHARACTERS = 300

Write = Callable[[bytes], None]


class Line(Struct, frozen=True, gc=False):
    """One line; `ms` is the time of the answer in milliseconds."""

    event: str
    method: str
    path: str
    status: int
    ms: float
    request_id: str
    level: str
    timestamp: datetime


class LinesLeftOut(Struct, frozen=True):
    """The line in place of those that had no room."""

    lines: int
    timestamp: datetime
    event: str = "requests_not_logged"
    level: str = "warning"


def write_to_stderr(lines: bytes) -> None:
    """Write whole lines to the standard error of the process. Raises `OSError`."""
    left = memoryview(lines)
    while left:
        left = left[os.write(STDERR, left) :]


class AccessLog:
    """The lines of one process. `write` is called in a thread, for one part of the log at a time."""

    def __init__(self, write: Write = write_to_stderr) -> None:
        """Lines for which `write` raises `OSError` are lost."""
        self._write = write
        self._encode_into = msgspec.json.Encoder().encode_into
        # Each as much as a pipe keeps together, whole lines. Not a list of lines, whose memory would be touched twice.
        self._parts: list[bytearray] = []
        self._lines = 0
        self._left_out = 0
        self._timer: asyncio.TimerHandle | None = None
        self._batches: SimpleQueue[tuple[list[bytearray], Callable[[], None] | None]] = SimpleQueue()
        self._thread: Thread | None = None

    def note(self, method: str, path: str, status: int, seconds: float, request_id: str) -> None:
        """Add the line of a request. Characters of the path that are not printable are escaped."""
        if self._lines >= LINES_MAX:
            self._left_out += 1
        else:
            shown = path if path.isascii() and path.isprintable() else _escaped(path)
            ms, now = round(seconds * 1000, 2), datetime.now(UTC)
            if not self._add(Line("request", method, shown, status, ms, request_id, "info", now)):
                method, shown = _shortened(method), _shortened(shown)
                self._add(Line("request", method, shown, status, ms, request_id, "info", now))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._on_time)

    def _add(self, line: Line | LinesLeftOut) -> bool:
        """Add a line to the last part, or to a new one; no if no part has room for the line."""
        part = self._parts[-1] if self._parts else self._new_part()
        start = len(part)
        self._encode_into(line, part, -1)
        part += b"\n"
        if len(part) > TOGETHER_BYTES:
            encoded = part[start:]
            del part[start:]
            if len(encoded) > TOGETHER_BYTES:
                return False
            self._new_part().extend(encoded)
        self._lines += 1
        return True

    def _new_part(self) -> bytearray:
        part = bytearray()
        self._parts.append(part)
        return part

    async def flush(self) -> None:
        """Write all lines now, within STOP_SECONDS. Called when the process stops."""
        loop, written = asyncio.get_running_loop(), asyncio.Event()

        def on_written() -> None:
            loop.call_soon_threadsafe(written.set)

        self._hand_over(on_written)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await written.wait()

    def _on_time(self) -> None:
        self._timer = None
        if self._batches.empty():
            self._hand_over()
        else:  # the thread waits for the reader of the log
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._on_time)

    def _hand_over(self, on_written: Callable[[], None] | None = None) -> None:
        if self._left_out:
            self._add(LinesLeftOut(self._left_out, datetime.now(UTC)))
            self._left_out = 0
        if self._thread is None:
            # A daemon, which a blocked write does not keep from ending with the process.
            self._thread = Thread(target=self._write_batches, daemon=True)
            self._thread.start()
        self._batches.put((self._parts, on_written))
        self._parts, self._lines = [], 0

    def _write_batches(self) -> None:
        while True:
            parts, on_written = self._batches.get()
            for part in filter(None, parts):
                with suppress(OSError):
                    self._write(bytes(part))
            if on_written:
                on_written()


def _escaped(text: str) -> str:
    """The text with escapes in place of what a terminal might obey, and of bytes that are not UTF-8."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
