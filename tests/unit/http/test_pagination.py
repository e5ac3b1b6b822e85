"""Keyset pages: the cursor is the key of the last row of a page, and a malformed cursor is a 422."""

from base64 import urlsafe_b64encode
from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Problem
from app.http.pagination import decode_cursor, decode_uuid_cursor, page_of


def encoded(key: bytes) -> str:
    """The cursor with this key."""
    return urlsafe_b64encode(key).decode().rstrip("=")


def test_the_cursor_of_a_page_with_a_next_page_is_the_key_of_its_last_row() -> None:
    page = page_of([1, 2, 3], 2, lambda row: row, str)
    assert page.items == ["1", "2"]
    assert decode_cursor(page.next_cursor) == "2"


@pytest.mark.parametrize("rows", [[], [1], [1, 2]])
def test_the_last_page_has_no_cursor(rows: list[int]) -> None:
    page = page_of(rows, 2, lambda row: row, str)
    assert page.items == [str(row) for row in rows]
    assert page.next_cursor is None


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_every_text_key_is_decoded_from_its_cursor(key: str) -> None:
    assert decode_cursor(page_of([key, key], 1, str, str).next_cursor) == key


def test_a_uuid_key_is_decoded_from_its_cursor() -> None:
    ids = [uuid4(), uuid4()]
    assert decode_uuid_cursor(page_of(ids, 1, lambda row: row, str).next_cursor) == ids[0]


@pytest.mark.parametrize("cursor", [None, ""])
def test_without_a_cursor_a_list_starts_at_its_first_row(cursor: str | None) -> None:
    assert decode_cursor(cursor) == ""
    assert decode_uuid_cursor(cursor) is None


@pytest.mark.parametrize("cursor", ["a", "ü", "!", "ZGU*", "ZGU==", encoded(b"\xff\xfe"), encoded(b"a\0b"), "\ud800"])
def test_a_malformed_cursor_is_refused(cursor: str) -> None:
    for decode in (decode_cursor, decode_uuid_cursor):
        with pytest.raises(Problem) as raised:
            decode(cursor)
        assert [(error.field, error.code) for error in raised.value.errors] == [("cursor", "invalid_cursor")]


def test_a_text_key_is_refused_where_keys_are_uuids() -> None:
    with pytest.raises(Problem) as raised:
        decode_uuid_cursor(encoded(b"de"))
    assert raised.value.code == "validation_failed"


@given(st.text(max_size=60))
def test_decoding_any_cursor_gives_a_key_or_raises_a_problem(cursor: str) -> None:
    for decode in (decode_cursor, decode_uuid_cursor):
        with suppress(Problem):
            assert isinstance(decode(cursor), str | UUID | None)
