"""Logs are one JSON object a line on standard error, and no value can break a line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import structlog

from app.logs import configure_logging


@contextmanager
def configured() -> Iterator[None]:
    """Logging as in operation, to the standard error of this moment, and afterwards as before."""
    before = structlog.get_config()
    configure_logging()
    try:
        yield
    finally:
        structlog.configure(**before)


def test_an_event_is_one_line_of_json(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with configured():
        structlog.get_logger("test").info("started", at="two\nlines", id=UUID(int=1))
    [line] = capsysbinary.readouterr().err.splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["level"], logged["at"]) == ("started", "info", "two\nlines")
    assert logged["id"] == "00000000-0000-0000-0000-000000000001"
    assert logged["timestamp"].endswith("Z")


def test_what_json_has_no_form_for_is_shown_and_not_an_error(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with configured():
        structlog.get_logger("test").warning("odd", value=object)
    assert json.loads(capsysbinary.readouterr().err)["value"] == "<class 'object'>"


def test_an_exception_is_told_with_its_traceback_in_the_same_line(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with configured():
        structlog.get_logger("test").error("failed", exc_info=ValueError("no"))
    [line] = capsysbinary.readouterr().err.splitlines()
    assert "ValueError: no" in json.loads(line)["exception"]
