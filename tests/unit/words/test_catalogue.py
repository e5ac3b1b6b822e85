"""The catalogue of words: mistakes in a language file are errors, and the nearest language is found."""

from pathlib import Path

import pytest

from app.words.catalogue import duration, fill, locales, nearest_locale, placeholders, read_words, section

ENGLISH = """
[mail.greeting]
hello = "Hello {name}, this is {service}"
bye = "Bye"
"""


def folder_with(folder: Path, **files: str) -> Path:
    for locale, text in files.items():
        (folder / f"{locale}.toml").write_text(text, encoding="utf-8")
    return folder


def test_words_are_read_by_locale_and_full_name(tmp_path: Path) -> None:
    french = ENGLISH.replace("Hello {name}, this is {service}", "Ici {service}, bonjour {name}")
    words = read_words(folder_with(tmp_path, fr=french, en=ENGLISH))
    assert list(words) == ["en", "fr"]
    assert words["fr"]["mail.greeting.hello"] == "Ici {service}, bonjour {name}"


@pytest.mark.parametrize(
    ("english", "french", "mistake"),
    [
        ('bye = "Bye"', "", "fr.toml: mail.greeting.bye is missing"),
        ('bye = "Bye"', 'bye = "Bye"\nmore = "x"', "fr.toml: mail.greeting.more is not in en.toml"),
        ("Hello {name}", "Hello {nom}", "fr.toml: mail.greeting.hello has the placeholders ['nom', 'service']"),
        (", this is {service}", "", "fr.toml: mail.greeting.hello has the placeholders ['name']"),
        ("Bye", "Bye {name}", "fr.toml: mail.greeting.bye has the placeholders ['name']"),
    ],
)
def test_a_mistake_in_a_language_file_is_an_error_that_names_it(
    tmp_path: Path, english: str, french: str, mistake: str
) -> None:
    folder = folder_with(tmp_path, en=ENGLISH, fr=ENGLISH.replace(english, french))
    with pytest.raises(ValueError, match=r"fr\.toml") as raised:
        read_words(folder)
    assert str(raised.value) == mistake


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is missing") as raised:
        read_words(folder_with(tmp_path, en=ENGLISH, fr="", sv='[mail.greeting]\nbye = "Hej"'))
    assert len(str(raised.value).splitlines()) == 3


def test_a_section_has_its_own_words_only() -> None:
    assert section("de", "mail.sign_in")["button"] == "Anmelden"
    assert set(section("en", "duration")) == {"day", "days", "hour", "hours", "minute", "minutes"}
    assert section("en", "mail") == {}
    assert section("en", "mail.sign") == {}
    with pytest.raises(KeyError):
        section("xx", "mail.sign_in")


def test_a_placeholder_is_a_name_in_braces() -> None:
    assert placeholders("{a} and {b_c}, { a } {} {") == {"a", "b_c"}


def test_a_value_takes_the_place_of_its_placeholder_and_is_not_read_again() -> None:
    assert fill("{a}, {b}, {a} {", {"a": "{b}", "b": 2}) == "{b}, 2, {b} {"
    with pytest.raises(KeyError):
        fill("{a}", {})


@pytest.mark.parametrize(
    ("locale", "seconds", "expected"),
    [
        ("en", 600, "10 minutes"), ("en", 630, "11 minutes"), ("en", 60, "1 minute"), ("en", 5, "1 minute"),
        ("en", 0, "1 minute"), ("en", 3600, "1 hour"), ("en", 7200, "2 hours"), ("en", 5400, "90 minutes"),
        ("en", 86400, "1 day"), ("en", 604800, "7 days"), ("de", 600, "10 Minuten"), ("de", 3600, "1 Stunde"),
        ("de", 604800, "7 Tage"),
    ],
)  # fmt: skip
def test_a_duration_is_in_the_largest_unit_that_is_exact(locale: str, seconds: int, expected: str) -> None:
    assert duration(locale, seconds) == expected


@pytest.mark.parametrize(
    ("wanted", "locale"),
    [("de", "de"), ("de-AT", "de"), ("de_CH", "de"), ("gsw", "de"), ("en-GB", "en"), ("fr", "en"), ("tpi", "en"),
     ("", "en"), (None, "en"), ("not a tag!", "en"), ("../../etc", "en")],
)  # fmt: skip
def test_the_nearest_locale_is_taken_and_english_if_none_is_near(wanted: str | None, locale: str) -> None:
    assert nearest_locale(wanted) == locale


def test_the_languages_are_the_files() -> None:
    assert locales() == ("de", "en")
