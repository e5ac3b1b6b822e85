"""What follows from PUBLIC_URL, ALLOWED_ORIGINS and COOKIE_DOMAIN: own origins, cookies, and notices about browsers."""

import pytest

from app.settings.load import SettingsError, load
from app.settings.rules import notices


def mistake(environ: dict[str, str]) -> str:
    """The only line of the error."""
    with pytest.raises(SettingsError) as raised:
        load(environ)
    [line] = raised.value.lines
    return line


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"PORT": "9000"}, "http://localhost:9000"),
        ({"HOST": "0.0.0.0"}, "http://localhost:8000"),  # noqa: S104 # nothing is bound here
        ({"HOST": "::"}, "http://localhost:8000"),
        ({"HOST": "::1"}, "http://[::1]:8000"),
        ({"HOST": "auth.internal"}, "http://auth.internal:8000"),
        ({"PUBLIC_URL": "HTTPS://Auth.Example.ORG:443/"}, "https://auth.example.org"),
        ({"PUBLIC_URL": "http://[2001:DB8::1]:8080"}, "http://[2001:db8::1]:8080"),
    ],
)
def test_the_public_url_is_an_origin_and_defaults_to_host_and_port(environ: dict[str, str], url: str) -> None:
    assert load(environ).public_url == url


@pytest.mark.parametrize(
    ("public_url", "secure"),
    [
        ("http://localhost:8000", False),
        ("http://127.0.0.1", False),
        ("http://[::1]:8000", False),
        ("https://localhost", True),
        ("http://auth.example.org", True),
        ("http://localhost.example.org", True),
    ],
)
def test_cookies_are_secure_except_on_plain_http_to_the_loopback_interface(public_url: str, secure: bool) -> None:
    assert load({"PUBLIC_URL": public_url}).secure_cookies is secure


@pytest.mark.parametrize(
    ("public_url", "domain", "taken"),
    [
        ("https://id.example.org", "example.org", True),
        ("https://id.example.org", "id.example.org", True),
        ("https://a.id.example.co.uk", "example.co.uk", True),
        ("https://id.example.org", "Example.org", False),
        ("https://id.example.org", ".example.org", False),
        ("https://id.example.org", "org", False),
        ("https://id.example.co.uk", "co.uk", False),
        ("https://ada.github.io", "github.io", False),
        ("https://id.example.org", "shop.example.org", False),
        ("https://id.example.org", "a.id.example.org", False),
        ("https://id.example.org", "ample.org", False),
        ("https://id.example.org", "example.com", False),
        ("https://192.0.2.1", "192.0.2.1", False),
        ("https://192.0.2.1", "0.2.1", False),
        ("https://[2001:db8::1]", "2001:db8::1", False),
        ("https://localhost", "localhost", False),
        ("https://intranet", "intranet", False),
        ("https://id.example.org", "example.org; Path=/x", False),
    ],
)
def test_the_cookie_domain_is_the_public_host_or_a_parent_within_its_registrable_domain(
    public_url: str, domain: str, taken: bool
) -> None:
    environ = {"PUBLIC_URL": public_url, "COOKIE_DOMAIN": domain}
    if taken:
        settings = load(environ)
        assert settings.cookie_domain == domain
        assert settings.own_origins == {public_url}
        assert [line for line in notices(settings) if line.startswith(f"COOKIE_DOMAIN={domain}: every host below")]
        assert mistake({**environ, "COOKIE_HOST_PREFIX": "on"}).startswith("COOKIE_DOMAIN: not with COOKIE_HOST_PREFIX")
    else:
        assert mistake(environ).startswith("COOKIE_DOMAIN: expected the host of PUBLIC_URL or a parent of it")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, []),
        ({"ALLOWED_ORIGINS": "http://localhost:5173"}, []),
        ({"ALLOWED_ORIGINS": "http://127.0.0.1:5173,http://localhost:3000"}, ["http://127.0.0.1:5173"]),
        ({"PUBLIC_URL": "https://id.example.org", "ALLOWED_ORIGINS": "https://app.example.org"}, []),
        (
            {"PUBLIC_URL": "https://id.example.org", "ALLOWED_ORIGINS": "http://app.example.org,https://example.com"},
            ["http://app.example.org", "https://example.com"],
        ),
        ({"PUBLIC_URL": "https://a.github.io", "ALLOWED_ORIGINS": "https://b.github.io"}, ["https://b.github.io"]),
    ],
)
def test_each_allowed_origin_of_another_site_gets_a_notice(environ: dict[str, str], named: list[str]) -> None:
    assert [line.split()[1] for line in notices(load(environ)) if line.startswith("ALLOWED_ORIGINS:")] == named


@pytest.mark.parametrize(
    ("public_url", "told"),
    [
        ("http://192.0.2.1:8000", True),
        ("http://id.example.org", True),
        ("https://id.example.org", False),
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
    ],
)
def test_plain_http_off_the_loopback_interface_gets_a_notice(public_url: str, told: bool) -> None:
    lines = notices(load({"PUBLIC_URL": public_url}))
    assert [line.startswith("PUBLIC_URL is plain http") for line in lines] == [True] * told


def test_a_service_on_the_loopback_interface_has_an_origin_for_each_name_of_it() -> None:
    origins = {"http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"}
    assert load({}).own_origins == load({"PUBLIC_URL": "http://[::1]:8000"}).own_origins == origins
    assert load({"PUBLIC_URL": "https://localhost"}).own_origins == {"https://localhost"}


def test_own_origins_are_those_of_public_url_and_allowed_origins() -> None:
    settings = load({"PUBLIC_URL": "https://auth.example.org", "ALLOWED_ORIGINS": "https://app.example.org"})
    assert settings.own_origins == {"https://auth.example.org", "https://app.example.org"}
