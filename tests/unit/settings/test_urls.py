"""The origin of a URL."""

import pytest

from app.settings.urls import origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://A.example:80/path?query", "http://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("https://a.example:80", "https://a.example:80"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin
