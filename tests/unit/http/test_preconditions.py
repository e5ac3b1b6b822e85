"""`If-Match` and `If-None-Match` are read as RFC 9110 writes them, and as proxies rewrite them."""

import pytest

from app.errors import Problem
from app.http.preconditions import (
    EntityTags,
    Precondition,
    is_unchanged,
    lines_combined,
    precondition_of_version,
    precondition_of_write,
    read_entity_tags,
)


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('"3"', {"3"}),
        ('W/"3"', {"3"}),
        ('"3-gzip"', {"3"}),
        ('W/"3-br"', {"3"}),
        ('"a-b"', {"a-b"}),
        ('"3", W/"4"', {"3", "4"}),
        ('"3","4"', {"3", "4"}),
        (' \t"3" ,, "4", ', {"3", "4"}),
        ('"a,b"', {"a,b"}),
        ('"*"', {"*"}),
        ('""', {""}),
        ('"\xe9"', {"\xe9"}),
    ],
)
def test_a_list_of_tags_is_read_with_weak_marks_and_suffixes_of_proxies_taken_off(value: str, tags: set[str]) -> None:
    assert read_entity_tags("If-Match", value) == EntityTags(frozenset(tags))


@pytest.mark.parametrize("value", ["*", " *\t"])
def test_an_asterisk_names_whatever_is_there(value: str) -> None:
    named = read_entity_tags("If-Match", value)
    assert named == EntityTags(everything=True)
    assert [named.match("1"), named.match(None)] == [True, False]


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        ",",
        " , ,",
        "3",
        '"3',
        '3"',
        '"',
        'w/"3"',
        'W/ "3"',
        '"3" "4"',
        '"3""4"',
        '*, "3"',
        '"3", *',
        '" "',
        "'3'",
        '"\u0661"',
    ],
)
def test_another_value_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(Problem) as caught:
        read_entity_tags("If-Match", value)
    (error,) = caught.value.errors
    assert (caught.value.code, error.field, error.code) == ("validation_failed", "If-Match", "invalid")


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "held_by"),
    [
        ('"3"', None, [3]),
        ('"1", W/"3"', None, [1, 3]),
        ("*", None, [1, 2, 3]),
        ('"03"', None, []),
        (None, "*", [None]),
        ('"3"', "*", []),
        ("*", '"2"', [1, 3]),
        ('"2"', '"2"', []),
    ],
)
def test_a_write_happens_on_the_versions_that_both_headers_leave(
    if_match: str | None, if_none_match: str | None, held_by: list[int | None]
) -> None:
    precondition = precondition_of_write(if_match, if_none_match)
    assert [version for version in (None, 1, 2, 3) if precondition.holds(version)] == held_by


@pytest.mark.parametrize("if_none_match", [None, '"1"'])
def test_a_write_that_names_nothing_to_replace_is_asked_to(if_none_match: str | None) -> None:
    with pytest.raises(Problem) as caught:
        precondition_of_write(None, if_none_match)
    assert caught.value.code == "precondition_required"


@pytest.mark.parametrize(
    ("lines", "combined"),
    [
        ([], []),
        ([(b"if-match", b'"1"')], [(b"if-match", b'"1"')]),
        ([(b"if-match", b'"1"'), (b"if-match", b'"2", "3"')], [(b"if-match", b'"1", "2", "3"')]),
        ([(b"if-match", b"*"), (b"if-match", b'"2"')], [(b"if-match", b'*, "2"')]),
        ([(b"if-none-match", b'"1"'), (b"if-none-match", b"")], [(b"if-none-match", b'"1", ')]),
    ],
)
def test_the_lines_of_one_header_are_one_list(
    lines: list[tuple[bytes, bytes]], combined: list[tuple[bytes, bytes]]
) -> None:
    others = [(b"accept", b"a"), (b"accept", b"b")]
    assert lines_combined([others[0], *lines, others[1]]) == (
        [*others, *combined] if len(lines) > 1 else [others[0], *combined, others[1]]
    )


def test_a_version_of_a_body_names_itself_and_null_nothing() -> None:
    assert [precondition_of_version(2).holds(version) for version in (None, 1, 2)] == [False, False, True]
    assert [precondition_of_version(None).holds(version) for version in (None, 1)] == [True, False]


@pytest.mark.parametrize(
    ("if_none_match", "unchanged"),
    [
        (None, False),
        ("*", True),
        ('"a"', True),
        ('W/"a-gzip"', True),
        ('"b", "a"', True),
        ('"b"', False),
        ('"ab"', False),
    ],
)
def test_a_read_is_unchanged_if_its_etag_is_named(if_none_match: str | None, unchanged: bool) -> None:
    assert is_unchanged(if_none_match, '"a"') is unchanged


@pytest.mark.parametrize(
    ("precondition", "is_plain"),
    [
        (Precondition(if_match=EntityTags(frozenset({"1", "2"}))), True),
        (Precondition(if_none_match=EntityTags(everything=True)), True),
        (Precondition(if_match=EntityTags(everything=True)), False),
        (Precondition(if_match=EntityTags(frozenset({"1"})), if_none_match=EntityTags(frozenset({"2"}))), False),
        (Precondition(if_none_match=EntityTags(frozenset({"1"}))), False),
        (Precondition(), False),
    ],
)
def test_a_precondition_is_plain_if_it_lists_versions_or_says_that_there_is_none(
    precondition: Precondition, is_plain: bool
) -> None:
    assert precondition.is_plain == is_plain
