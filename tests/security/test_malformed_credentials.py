"""Malformed credentials: a cookie or Authorization header without a token causes an error, or costs a query."""

import pytest

from tests.support.app import RunningApp, problem

# The part of a token after its prefix.
BODY = "Zm9yIGEgdGVzdCwgYW5kIG5vdGhpbmcgYnV0IGEgdGV"

MALFORMED_COOKIES = (
    "", "=", "%", "%zz", "%00", "%E0%A4%A", "\xff\xfe", "ost_", "ost_" + "a" * 42, "ost_" + "a" * 44, "OST_" + BODY,
    "ost_" + BODY + "=", "ost_" + BODY[:-1] + "+", "ost_" + BODY[:-1] + "/", "ost_" + BODY[:-1] + "é", "ost-" + BODY,
    " ost_", BODY, "osk_" + BODY, "a" * 60_000, "' OR 1=1 --", "null", "undefined", "[object Object]", "{}", "$1",
)  # fmt: skip

MALFORMED_HEADERS = (
    "", " ", "Bearer", "Bearer ", "Bearer  ", "bearer x", "Basic YTpi", "Basic " + BODY, "Digest username=x", BODY,
    "Bearer " + "osk_" + BODY, "Bearer a b c", "Bearer \xff", "Token " + BODY, "Bearer," + BODY,
)  # fmt: skip


@pytest.mark.parametrize("value", MALFORMED_COOKIES)
async def test_a_malformed_cookie_value_is_anonymous(app: RunningApp, value: str) -> None:
    header = f"auth_session={value}".encode("latin-1")

    answer = await app.client().get("/api/session", headers=[(b"cookie", header)])

    assert answer.status_code == 200
    assert answer.json()["user"] is None


@pytest.mark.parametrize("value", MALFORMED_HEADERS)
async def test_a_malformed_authorization_header_is_anonymous(app: RunningApp, value: str) -> None:
    answer = await app.client().get("/api/session", headers=[(b"authorization", value.encode("latin-1"))])

    assert answer.status_code == 200
    assert answer.json()["user"] is None


@pytest.mark.parametrize(
    "header",
    ["auth_session", ";;;", "=;=;", "auth_session;auth_session", "a=b; auth_session", "Auth_Session={}", "$Version=1"],
)
async def test_a_malformed_cookie_header_is_anonymous(app: RunningApp, header: str) -> None:
    token = await app.token(await app.user())

    answer = await app.client(Cookie=header.replace("{}", token)).get("/api/session")

    assert answer.status_code == 200
    assert answer.json()["user"] is None


async def test_a_malformed_cookie_on_a_protected_route_is_answered_401(app: RunningApp) -> None:
    statuses = {
        (await app.client(Cookie=f"auth_session={value}").get("/api/languages")).status_code
        for value in MALFORMED_COOKIES
        if value.isascii()
    }

    assert statuses == {401}


async def test_an_invalid_bearer_token_does_not_fall_back_to_the_cookie(app: RunningApp) -> None:
    browser = app.with_cookie(await app.token(await app.user()))

    answer = await browser.get("/api/languages", headers={"Authorization": f"Bearer {BODY}"})

    assert answer.status_code == 401


async def test_two_authorization_headers_do_not_fall_back_to_the_cookie(app: RunningApp) -> None:
    browser = app.with_cookie(await app.token(await app.user()))

    answer = await browser.get("/api/languages", headers=[("Authorization", "Basic YTpi"), ("Authorization", "Bearer")])

    assert answer.status_code == 401


@pytest.mark.parametrize("value", ["Basic YTpi", "Digest username=x", "Token " + BODY, ""])
async def test_the_credential_of_a_gate_in_front_does_not_hide_the_cookie(app: RunningApp, value: str) -> None:
    browser = app.with_cookie(await app.token(await app.user()))

    assert (await browser.get("/api/languages", headers={"Authorization": value})).status_code == 200
    forged = await browser.delete("/api/sessions", headers={"Authorization": value, "Origin": "https://evil.example"})
    assert problem(forged)["code"] == "cross_site_request"
