"""The language of an answer: by the quality of each language of `Accept-Language`, then the account's, then English."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.words.accept_language import wanted_locale
from app.words.catalogue import locales


@pytest.mark.parametrize(
    ("header", "of_account", "locale"),
    [
        ("", None, "en"), ("", "de", "de"), ("de", None, "de"), ("en", "de", "en"),
        ("de-AT,de;q=0.9,en;q=0.8", None, "de"),
        ("en;q=0.8, de", None, "de"), ("en;q=0.5,de;q=0.501", None, "de"), ("en;q=0.5,de;q=0.5", None, "en"),
        ("fr,it;q=0.9,de;q=0.1", None, "de"), ("fr", "de", "de"), ("fr", None, "en"), ("*", "de", "de"),
        ("*", None, "en"),
        ("de;q=0", None, "en"), ("de;q=0, en", "de", "en"), ("fr,*;q=0.5,de;q=0.1", None, "en"), ("DE", None, "de"),
        ("de;q=1.5", None, "en"), ("de;q=x, en", None, "en"), (";;,, de", None, "de"), ("de ; q=1", None, "de"),
        ("../../etc/passwd", None, "en"), ("de\0", None, "en"), ("fr," * 15 + "de", None, "de"),
        ("fr," * 500 + "de", None, "en"), ("en-GB;q=0.1,gsw;q=0.2", None, "de"),
    ],
)  # fmt: skip
def test_the_best_language_that_is_near_is_taken(header: str, of_account: str | None, locale: str) -> None:
    assert wanted_locale(header, of_account) == locale


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"([a-zA-Z]{1,9}(-[a-zA-Z0-9]{1,9}){0,3}(;q=[01](\.\d)?)?,?){1,4}"))
def test_no_header_is_an_error(header: str) -> None:
    assert wanted_locale(header) in locales()
