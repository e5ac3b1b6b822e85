"""Writing the session cookie, and reading at most one credential from the raw headers of a request."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.auth.cookies import HOST_PREFIXED_NAME, NAME, Credential, SessionCookie, read_credential

NO_CREDENTIAL = Credential()
REFUSED_COOKIE = Credential(None, cookie=True)
FROM_COOKIE = Credential("t", cookie=True)
FROM_BEARER = Credential("t")


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
        ([("cookie", "auth_session=")], Credential("", cookie=True)),
        ([("cookie", "auth_session=a=b")], Credential("a=b", cookie=True)),
        ([("cookie", "auth_session=t; auth_session=u")], REFUSED_COOKIE),
        ([("cookie", "auth_session=t; auth_session=t")], REFUSED_COOKIE),
        ([("cookie", "auth_session=t"), ("cookie", "auth_session=u")], REFUSED_COOKIE),
        ([("authorization", "Bearer t")], FROM_BEARER),
        ([("authorization", "bearer  t ")], FROM_BEARER),
        ([("authorization", "Bearer t"), ("cookie", "auth_session=u")], FROM_BEARER),
        ([("cookie", "auth_session=t"), ("authorization", "Basic dTp0")], FROM_COOKIE),
        ([("authorization", "Digest username=x"), ("cookie", "auth_session=t")], FROM_COOKIE),
        ([("authorization", "Basic dTp0, Bearer u"), ("cookie", "auth_session=t")], FROM_COOKIE),
        ([("authorization", ""), ("cookie", "auth_session=t")], FROM_COOKIE),
        ([("authorization", "Basic dTp0"), ("cookie", "auth_session=t; auth_session=u")], REFUSED_COOKIE),
        ([("authorization", "Basic dTp0")], NO_CREDENTIAL),
        ([("authorization", "Bearer"), ("cookie", "auth_session=t")], Credential("")),
        ([("authorization", "Bearer t"), ("authorization", "Bearer t")], NO_CREDENTIAL),
        ([("authorization", "Basic dTp0"), ("authorization", "Bearer t")], NO_CREDENTIAL),
        (
            [("authorization", "Basic dTp0"), ("authorization", "Basic dTp0"), ("cookie", "auth_session=t")],
            REFUSED_COOKIE,
        ),
        ([("authorization", "t")], NO_CREDENTIAL),
        ([("authorization", "")], NO_CREDENTIAL),
        ([("authorization", "Bearer")], Credential("")),
    ],
)
def test_a_request_has_one_credential_or_none(headers: list[tuple[str, str]], credential: Credential) -> None:
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
