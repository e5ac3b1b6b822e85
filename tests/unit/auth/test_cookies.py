"""The session cookie as it is written, and the one credential that is read from a request's raw headers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.auth.cookies import HOST_PREFIXED_NAME, NAME, Credential, SessionCookie, read_credential

NOTHING = Credential()
REFUSED_COOKIE = Credential(None, cookie=True)
OF_COOKIE = Credential("t", cookie=True)
OF_BEARER = Credential("t")


def test_the_cookie_is_written_with_every_attribute() -> None:
    assert SessionCookie().set_cookie("t", 60) == "auth_session=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert (
        SessionCookie(secure=False).set_cookie("t", 60) == "auth_session=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"
    )


def test_a_host_prefixed_cookie_meets_the_prefix_rules() -> None:
    written = SessionCookie(name=HOST_PREFIXED_NAME).set_cookie("t", 60)
    assert written.startswith("__Host-auth_session=t;")
    assert "Secure" in written
    assert "Path=/;" in written
    assert "Domain" not in written


def test_clearing_writes_an_empty_value_that_is_over_at_once() -> None:
    assert SessionCookie().clear_cookie() == "auth_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure"


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ([], NOTHING),
        ([("cookie", "")], NOTHING),
        ([("cookie", "theme=dark; lang")], NOTHING),
        ([("cookie", "xauth_session=t")], NOTHING),
        ([("cookie", "auth_session_2=t")], NOTHING),
        ([("cookie", "Auth_Session=t")], NOTHING),
        ([("cookie", "auth_session=t")], OF_COOKIE),
        ([("cookie", 'theme=dark;auth_session="t" ; lang=de')], OF_COOKIE),
        ([("cookie", "theme=dark"), ("cookie", "auth_session=t")], OF_COOKIE),
        ([("cookie", "auth_session=")], Credential("", cookie=True)),
        ([("cookie", "auth_session=a=b")], Credential("a=b", cookie=True)),
        ([("cookie", "auth_session=t; auth_session=u")], REFUSED_COOKIE),
        ([("cookie", "auth_session=t; auth_session=t")], REFUSED_COOKIE),
        ([("cookie", "auth_session=t"), ("cookie", "auth_session=u")], REFUSED_COOKIE),
        ([("authorization", "Bearer t")], OF_BEARER),
        ([("authorization", "bearer  t ")], OF_BEARER),
        ([("authorization", "Bearer t"), ("cookie", "auth_session=u")], OF_BEARER),
        ([("cookie", "auth_session=u"), ("authorization", "Basic dTp0")], NOTHING),
        ([("authorization", "Bearer t"), ("authorization", "Bearer t")], NOTHING),
        ([("authorization", "t")], NOTHING),
        ([("authorization", "")], NOTHING),
        ([("authorization", "Bearer")], Credential("")),
    ],
)
def test_a_request_has_one_credential_or_none(headers: list[tuple[str, str]], credential: Credential) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    assert read_credential(raw, NAME) == credential


def test_only_the_configured_name_counts() -> None:
    headers = [(b"cookie", b"auth_session=planted; __Host-auth_session=t")]
    assert read_credential(headers, HOST_PREFIXED_NAME) == OF_COOKIE


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([b"cookie", b"authorization", b"origin"]), st.binary(max_size=60)), max_size=4)
)
def test_no_bytes_of_any_header_raise(headers: list[tuple[bytes, bytes]]) -> None:
    assert isinstance(read_credential(headers, NAME), Credential)
