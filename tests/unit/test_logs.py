"""Logs are one JSON object per line on standard error, whatever values are logged."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import structlog

from app.audit import Actor
from app.logs import configure_logging


@contextmanager
def configured() -> Iterator[None]:
    """Logging as in production, to the present `sys.stderr`. The end of the context restores the configuration."""
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


def test_a_value_without_a_json_type_is_logged_as_its_repr(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with configured():
        structlog.get_logger("test").warning("odd", value=object)
    assert json.loads(capsysbinary.readouterr().err)["value"] == "<class 'object'>"


def test_an_exception_is_logged_with_its_traceback_in_the_same_line(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with configured():
        structlog.get_logger("test").error("failed", exc_info=ValueError("no"))
    [line] = capsysbinary.readouterr().err.splitlines()
    assert "ValueError: no" in json.loads(line)["exception"]


def test_a_struct_is_logged_as_its_repr_so_that_a_token_in_it_stays_secret(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    with configured():
        structlog.get_logger("test").info("signed in", actor=Actor(token="ost_secret"))
    logged = capsysbinary.readouterr().err
    assert b"ost_secret" not in logged
    assert json.loads(logged)["actor"] == repr(Actor())
