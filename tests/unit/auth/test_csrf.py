"""CSRF: `Sec-Fetch-Site` and `Origin` decide whether an unsafe request is refused."""

import pytest

from app.auth.csrf import is_cross_site

OWN = frozenset({"https://auth.example.org", "https://app.example.org"})


@pytest.mark.parametrize(
    ("site", "origin", "refused_with_cookie", "refused_without"),
    [
        (None, None, True, False),
        (None, "https://app.example.org", False, False),
        (None, "https://evil.example", True, True),
        (None, "null", True, True),
        (None, "", True, True),
        (None, "https://app.example.org.evil.example", True, True),
        (None, "http://app.example.org", True, True),
        (None, "https://app.example.org:8443", True, True),
        (None, "https://APP.example.org", True, True),
        ("same-origin", None, False, False),
        ("same-origin", "https://auth.example.org", False, False),
        ("same-site", None, True, True),
        ("same-site", "https://app.example.org", False, False),
        ("cross-site", None, True, True),
        ("cross-site", "https://app.example.org", False, False),
        ("cross-site", "https://evil.example", True, True),
        ("none", None, True, False),
        ("unheard-of", None, True, True),
    ],
)
def test_sec_fetch_site_and_origin_decide_whether_a_request_is_cross_site(
    site: str | None, origin: str | None, refused_with_cookie: bool, refused_without: bool
) -> None:
    headers = [
        (name, value.encode()) for name, value in ((b"sec-fetch-site", site), (b"origin", origin)) if value is not None
    ]
    assert is_cross_site(headers, OWN, has_cookie=True) is refused_with_cookie
    assert is_cross_site(headers, OWN, has_cookie=False) is refused_without


def test_an_origin_that_is_not_ascii_is_cross_site() -> None:
    assert is_cross_site([(b"origin", b"https://\xff.example")], OWN, has_cookie=True)
