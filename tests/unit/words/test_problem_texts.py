"""Texts of errors: every code has one in every language, and no parameter is missing in it."""

import re

import pytest

from app.errors import FIELD_CODES, KINDS
from app.words.catalogue import locales, placeholders, section
from app.words.problem_texts import field_text, problem_text

CODES = [("problem", code) for code in KINDS] + [("field", code) for code in sorted(FIELD_CODES)]
# Words of developers: names of routes, headers, fields, types, patterns and problem codes.
OF_DEVELOPERS = re.compile(
    r"/api|https?:|\b(GET|POST|PUT|PATCH|DELETE|JSON|HTTP|ETag|header|str|int|null|regex)\b|If-Match|[a-z]_[a-z]|`|\\|\^"
)


def texts_of(kind: str, locale: str) -> dict[str, str]:
    """All texts of a kind, by the name of each: its code, or its code and its own name."""
    plain = section(locale, kind)
    others = {f"{code}.{name}": text for code in plain for name, text in section(locale, f"{kind}.with.{code}").items()}
    return {**plain, **others}


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize(("kind", "code"), CODES)
def test_every_code_has_a_text_that_needs_no_parameter(kind: str, code: str, locale: str) -> None:
    text = problem_text(locale, code, {}) if kind == "problem" else field_text(locale, code, {})
    assert text.endswith(".")
    assert not placeholders(text)


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("kind", ["problem", "field"])
def test_no_text_names_a_route_a_header_a_type_or_a_pattern(kind: str, locale: str) -> None:
    for name, text in texts_of(kind, locale).items():
        assert not OF_DEVELOPERS.search(re.sub(r"[._:/-]( [._:/-])+", "", text)), name


@pytest.mark.parametrize(
    ("locale", "params", "text"),
    [
        ("en", {"min": 15}, "Enter at least 15 characters."),
        ("de", {"min": 15}, "Geben Sie mindestens 15 Zeichen ein."),
        ("en", {"min": 1}, "This is needed."),
        ("en", {"minItems": 2}, "Send at least 2."),
        ("en", {"other": 1}, "This is too short."),
        ("en", {}, "This is too short."),
    ],
)
def test_a_parameter_or_its_value_chooses_the_text_and_is_filled_in(
    locale: str, params: dict[str, str | int], text: str
) -> None:
    assert field_text(locale, "too_short", params) == text


def test_a_text_whose_other_parameter_is_missing_is_passed_over() -> None:
    assert problem_text("en", "key_not_usable", {"triesLeft": 3}) == problem_text("en", "key_not_usable", {})
    assert problem_text("en", "key_not_usable", {"triesLeft": 0}).endswith("no tries are left. Ask for a new one.")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(1, "1 minute"), (90, "2 minutes"), (7201, "3 hours"), (172801, "3 days")]
)
def test_a_wait_is_rounded_up_to_what_people_say(seconds: int, shown: str) -> None:
    assert f"Wait {shown}, then" in problem_text("en", "too_many_requests", {"retryAfter": seconds})


@pytest.mark.parametrize("hostile", ["{min}", "\0", "a" * 1000, "../en", ""])
def test_no_parameter_of_a_client_breaks_a_text(hostile: str) -> None:
    assert field_text("en", "too_short", {"min": hostile, hostile: 1})
