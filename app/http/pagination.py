"""Keyset pagination: a page starts after the last key of the page before, so that every page costs the same."""

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from app.errors import Problem, invalid

T = TypeVar("T")
R = TypeVar("R")

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
CURSOR_MAX = 400


class Page(Struct, Generic[T], frozen=True, rename="camel"):
    """One page of a list; `nextCursor` is null on the last."""

    items: list[T]
    next_cursor: str | None = None


def page_of(rows: Sequence[R], limit: int, key: Callable[[R], object], show: Callable[[R], T]) -> Page[T]:
    """The page of `rows`, which hold one row more than `limit` if another page follows."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page([show(row) for row in shown], _encode(str(key(shown[-1]))) if more else None)


def decode_cursor(cursor: str | None) -> str:
    """The key to start after; the empty text for the first page. Raises `Problem` `validation_failed`.

    A cursor is no secret and grants no right: every page filters its rows in the same way.
    """
    if not cursor:
        return ""
    try:
        key = b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise _invalid_cursor() from None
    if "\0" in key:
        raise _invalid_cursor()
    return key


def decode_uuid_cursor(cursor: str | None) -> UUID | None:
    """The id to start after; None for the first page. Raises `Problem` `validation_failed`."""
    key = decode_cursor(cursor)
    try:
        return UUID(key) if key else None
    except ValueError:
        raise _invalid_cursor() from None


def time_cursor(time: datetime, id_: UUID) -> str:
    """The key of a row in a list that is ordered by a time and an id."""
    return f"{time.isoformat()} {id_}"


def decode_time_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The time and id to start after; None for the first page. Raises `Problem` `validation_failed`."""
    time, _, id_ = decode_cursor(cursor).partition(" ")
    try:
        return (datetime.fromisoformat(time).astimezone(UTC), UUID(id_)) if time else None
    except (ValueError, OverflowError):
        raise _invalid_cursor() from None


def _encode(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _invalid_cursor() -> Problem:
    return invalid("cursor", "invalid_cursor", "Take nextCursor from the page before, or leave it out")
