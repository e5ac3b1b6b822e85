"""The access log: whole lines, however long, and no line waits for ever or stops the service."""

import json
import select
import threading
from typing import Any

import pytest

from app.http import access_log
from app.http.access_log import AccessLog


def lines_of(parts: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for part in parts for line in part.splitlines()]


def note(log: AccessLog, path: str = "/api/session", method: str = "GET") -> None:
    log.note(method, path, 200, 0.001, "01a218a3-8404-7765-b1f3-2a78720c0eda")


async def test_lines_are_written_together_in_parts_that_a_pipe_keeps_together() -> None:
    parts = list[bytes]()
    log = AccessLog(parts.append)
    for number in range(100):
        note(log, f"/{number}")
    await log.flush()
    assert [line["path"] for line in lines_of(parts)] == [f"/{number}" for number in range(100)]
    assert len(parts) < 10
    assert all(part and len(part) <= select.PIPE_BUF for part in parts)


async def test_a_long_path_or_method_is_cut_so_that_its_line_stays_whole() -> None:
    parts = list[bytes]()
    log = AccessLog(parts.append)
    for path in ("/" + "a" * 60_000, "/" + "\x00" * 60_000, "/" + "\u20ac" * 20_000):
        note(log, path)
    note(log, method="A" * 60_000)
    await log.flush()
    assert all(len(part) <= select.PIPE_BUF for part in parts)
    assert [len(line["path"]) for line in lines_of(parts)] == [301, 301, 301, 12]


async def test_what_a_terminal_might_obey_is_escaped_and_letters_are_not() -> None:
    parts = list[bytes]()
    log = AccessLog(parts.append)
    note(log, "/b\x9b31m\x7f\u2028\udcff/größe/日本")
    await log.flush()
    assert [line["path"] for line in lines_of(parts)] == [r"/b\x9b31m\x7f\u2028\udcff/größe/日本"]


async def test_a_write_that_fails_loses_its_lines_alone() -> None:
    parts = list[bytes]()

    def write(part: bytes) -> None:
        if not parts:
            parts.append(b"")
            raise OSError

        parts.append(part)

    log = AccessLog(write)
    note(log, "/lost")
    await log.flush()
    note(log, "/next")
    await log.flush()
    assert [line["path"] for line in lines_of(parts)] == ["/next"]


async def test_while_nobody_reads_the_log_only_so_many_lines_wait_and_the_others_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access_log, "LINES_MAX", 10)
    monkeypatch.setattr(access_log, "STOP_SECONDS", 0.01)
    may_read, parts = threading.Event(), list[bytes]()

    def write(part: bytes) -> None:
        may_read.wait()
        parts.append(part)

    log = AccessLog(write)
    note(log, "/blocked")
    await log.flush()  # gives up
    for number in range(15):
        note(log, f"/{number}")
    may_read.set()
    monkeypatch.setattr(access_log, "STOP_SECONDS", 60)
    await log.flush()
    assert [line.get("path") for line in lines_of(parts)] == ["/blocked", *[f"/{number}" for number in range(10)], None]
    assert lines_of(parts)[-1]["lines"] == 5
