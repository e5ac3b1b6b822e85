"""Writing the session cookie, and reading the credential from the raw headers of a request."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.auth.cookies import Credential, SessionCookie, cookie_for, read_credential
from app.settings.load import load

NAME = "auth_session"
HOST_PREFIXED_NAME = "__Host-auth_session"
NO_CREDENTIAL = Credential()
FROM_COOKIE = Credential(("t",), cookie=True)
TWO_COOKIES = Credential(("t", "u"), cookie=True)
FROM_BEARER = Credential(("t",))


def test_the_cookie_has_every_attribute() -> None:
    assert SessionCookie().set_cookie("t", 60) == "auth_session=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert (
        SessionCookie(secure=False).set_cookie("t", 60) == "auth_session=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"
    )


def test_a_host_prefixed_cookie_has_secure_and_path_and_no_domain() -> None:
    written = SessionCookie(name=HOST_PREFIXED_NAME).set_cookie("t", 60)
    assert written.startswith("__Host-auth_session=t;")
    assert "Secure" in written
    assert "Path=/;" in written
    assert "Domain" not in written


def test_the_cleared_cookie_has_an_empty_value_and_max_age_0() -> None:
    assert SessionCookie().clear_cookie() == "auth_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure"


@pytest.mark.parametrize(
    ("environ", "set_at", "cleared_at"),
    [
        ({"PUBLIC_URL": "http://localhost:8000"}, "", []),
        ({"PUBLIC_URL": "http://192.0.2.1"}, "", []),
        ({"PUBLIC_URL": "https://example.org"}, "", ["example.org"]),
        (
            {"PUBLIC_URL": "https://id.app.example.co.uk"},
            "",
            ["id.app.example.co.uk", "app.example.co.uk", "example.co.uk"],
        ),
        ({"PUBLIC_URL": "https://ada.github.io"}, "", ["ada.github.io"]),
        (
            {"PUBLIC_URL": "https://id.app.example.org", "COOKIE_DOMAIN": "app.example.org"},
            "app.example.org",
            ["", "id.app.example.org", "example.org"],
        ),
        ({"PUBLIC_URL": "https://id.example.org", "COOKIE_HOST_PREFIX": "on"}, "", []),
    ],
)
def test_cookies_of_the_name_are_cleared_at_every_other_domain_that_reaches_the_host(
    environ: dict[str, str], set_at: str, cleared_at: list[str]
) -> None:
    cookie = cookie_for(load(environ))
    assert cookie.domain == set_at
    at = [f"; Domain={domain}" if domain else "" for domain in cleared_at]
    secure = "; Secure" if cookie.secure else ""
    assert cookie.clear_elsewhere() == [
        f"{cookie.name}=; Max-Age=0{domain}; Path=/; HttpOnly; SameSite=Lax{secure}" for domain in at
    ]


def test_the_cookie_has_the_name_of_the_settings() -> None:
    environ = {"PUBLIC_URL": "https://id.example.org", "COOKIE_NAME": "sid"}
    assert cookie_for(load(environ)).name == "sid"
    assert cookie_for(load({**environ, "COOKIE_HOST_PREFIX": "on"})).name == "__Host-sid"


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ([], NO_CREDENTIAL),
        ([("cookie", "")], NO_CREDENTIAL),
        ([("cookie", "theme=dark; lang")], NO_CREDENTIAL),
        ([("cookie", "xauth_session=t")], NO_CREDENTIAL),
        ([("cookie", "auth_session_2=t")], NO_CREDENTIAL),
        ([("cookie", "Auth_Session=t")], NO_CREDENTIAL),
        ([("cookie", "auth_session=t")], FROM_COOKIE),
        ([("cookie", 'theme=dark;auth_session="t" ; lang=de')], FROM_COOKIE),
        ([("cookie", "theme=dark"), ("cookie", "auth_session=t")], FROM_COOKIE),
        ([("cookie", "auth_session=")], Credential(("",), cookie=True)),
        ([("cookie", "auth_session=a=b")], Credential(("a=b",), cookie=True)),
        ([("cookie", "auth_session=t; auth_session=u")], TWO_COOKIES),
        ([("cookie", "auth_session=t"), ("cookie", "auth_session=u")], TWO_COOKIES),
        ([("cookie", "auth_session=t; " * 4)], Credential(("t",) * 4, cookie=True)),
        ([("cookie", "auth_session=t; " * 5)], Credential(cookie=True, others=("t",) * 5)),
        ([("authorization", "Bearer t")], FROM_BEARER),
        ([("authorization", "bearer  t ")], FROM_BEARER),
        ([("authorization", "Bearer t"), ("cookie", "auth_session=u")], Credential(("t",), others=("u",))),
        ([("cookie", "auth_session=t"), ("authorization", "Basic dTp0")], FROM_COOKIE),
        ([("authorization", "Digest username=x"), ("cookie", "auth_session=t")], FROM_COOKIE),
        ([("authorization", "Basic dTp0, Bearer u"), ("cookie", "auth_session=t")], FROM_COOKIE),
        ([("authorization", ""), ("cookie", "auth_session=t")], FROM_COOKIE),
        ([("authorization", "Basic dTp0"), ("cookie", "auth_session=t; auth_session=u")], TWO_COOKIES),
        ([("authorization", "Basic dTp0")], NO_CREDENTIAL),
        ([("authorization", "Bearer"), ("cookie", "auth_session=t")], Credential(("",), others=("t",))),
        ([("authorization", "Bearer t"), ("authorization", "Bearer u")], Credential(others=("t", "u"))),
        ([("authorization", "Basic dTp0"), ("authorization", "Bearer t")], Credential(others=("t",))),
        (
            [("authorization", "Basic dTp0"), ("authorization", "Basic dTp0"), ("cookie", "auth_session=t")],
            Credential(cookie=True, others=("t",)),
        ),
        ([("authorization", "t")], NO_CREDENTIAL),
        ([("authorization", "")], NO_CREDENTIAL),
        ([("authorization", "Bearer")], Credential(("",))),
    ],
)
def test_a_request_has_a_bearer_token_or_up_to_4_cookies(
    headers: list[tuple[str, str]], credential: Credential
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    assert read_credential(raw, NAME) == credential


def test_only_the_cookie_of_the_configured_name_is_read() -> None:
    headers = [(b"cookie", b"auth_session=planted; __Host-auth_session=t")]
    assert read_credential(headers, HOST_PREFIXED_NAME) == FROM_COOKIE


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([b"cookie", b"authorization", b"origin"]), st.binary(max_size=60)), max_size=4)
)
def test_reading_any_header_bytes_raises_nothing(headers: list[tuple[bytes, bytes]]) -> None:
    assert isinstance(read_credential(headers, NAME), Credential)
