"""Phone numbers, as people write them, become E.164 or stay as they are."""

import pytest

from app.pages.html.phone import countries, likely_country, to_e164


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("0151 12345678", "DE", "+4915112345678"),
        ("(0151) 123-456-78", "DE", "+4915112345678"),
        ("+41 44 668 18 00", "DE", "+41446681800"),
        ("0041446681800", "DE", "+41446681800"),
        ("202-555-0143", "US", "+12025550143"),
        ("12", "DE", "12"),
        ("", "DE", ""),
        ("no number", "DE", "no number"),
        ("0151 12345678", "", "0151 12345678"),
        ("0151 12345678", "XX", "0151 12345678"),
        ("<script>", "DE", "<script>"),
        ("0151 12345678 ext. 5", "DE", "0151 12345678 ext. 5"),
        ("1" * 5000, "DE", "1" * 5000),
    ],
)
def test_a_number_is_read_as_one_of_its_country(text: str, country: str, expected: str) -> None:
    assert to_e164(text, country) == expected


def test_countries_have_names_in_the_language_of_the_page() -> None:
    assert ("DE", "Deutschland (+49)") in countries("de")
    assert ("DE", "Germany (+49)") in countries("en")


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        ("de-CH,de;q=0.8", "CH"),
        ("en-GB", "GB"),
        ("de", "DE"),
        ("", "US"),
        ("*", "US"),
        ("x;;;", "US"),
        ("en-001", "US"),
    ],
)
def test_the_country_is_guessed_from_the_languages_of_the_browser(accept_language: str, expected: str) -> None:
    assert likely_country(accept_language, "en") == expected
