"""Every error is problem+json with a code of the closed list, whoever raised it, and carries the common headers."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

import asyncpg
import httpx
import pytest
from structlog.testing import capture_logs

from app.errors import KINDS
from app.http.bodies import MAX_BODY_BYTES
from tests.support.app import CREDENTIALS, SECRET, RunningApp, problem

JSON = {"Content-Type": "application/json"}
ELSEWHERE = {"Origin": "https://evil.example"}
TEXT = {"Content-Type": "text/plain"}


class RequestCase(NamedTuple):
    """A request and who sends it."""

    who: str
    method: str
    path: str
    body: object = b""
    headers: Mapping[str, str] = JSON


def sign_in_of(size: int) -> bytes:
    """A sign-in of exactly this many bytes."""
    start = json.dumps({**CREDENTIALS, "secret": ""})[:-2].encode()
    return start + b"x" * (size - len(start) - 2) + b'"}'


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


async def client_of(app: RunningApp, who: str) -> httpx.AsyncClient:
    if who == "anonymous":
        return app.client()
    return await app.signed_in(admin=who == "admin", onboarded=who != "not onboarded")


async def answer(app: RunningApp, asked: RequestCase) -> httpx.Response:
    client = await client_of(app, asked.who)
    content = asked.body if isinstance(asked.body, bytes) else json.dumps(asked.body)
    return await client.request(asked.method, asked.path, content=content, headers=asked.headers)


REFUSED = [
    (RequestCase("anonymous", "POST", "/api/session", b"{"), "malformed_json"),
    (RequestCase("anonymous", "POST", "/api/session", b"\xff"), "malformed_json"),
    (RequestCase("anonymous", "POST", "/api/session"), "malformed_json"),
    (RequestCase("anonymous", "POST", "/api/session", headers={}), "malformed_json"),
    (RequestCase("anonymous", "GET", "/api/languages/%00"), "malformed_request"),
    (RequestCase("anonymous", "POST", "/api/session", {}, {**JSON, "Content-Length": "-1"}), "malformed_request"),
    (RequestCase("anonymous", "GET", "/api/sessions"), "not_signed_in"),
    (RequestCase("anonymous", "GET", "/api/languages/de"), "not_signed_in"),
    (RequestCase("anonymous", "POST", "/api/session", CREDENTIALS), "invalid_credentials"),
    (RequestCase("user", "GET", "/api/languages/de"), "forbidden"),
    (RequestCase("user", "DELETE", "/api/session", headers=ELSEWHERE), "cross_site_request"),
    (RequestCase("not onboarded", "GET", "/api/languages"), "onboarding_required"),
    (RequestCase("admin", "GET", "/api/languages/da"), "not_found"),
    (RequestCase("anonymous", "GET", "/nowhere"), "not_found"),
    (RequestCase("anonymous", "GET", "/api/nowhere?token=hunter2"), "not_found"),
    (RequestCase("anonymous", "POST", "/api/nowhere", {}), "not_found"),
    (RequestCase("user", "DELETE", "/api/sessions/1"), "not_found"),
    (RequestCase("anonymous", "PUT", "/api/session", {}), "method_not_allowed"),
    (RequestCase("anonymous", "HEAD", "/api/keys/redeem"), "method_not_allowed"),
    (RequestCase("anonymous", "TRACE", "/api/session"), "method_not_allowed"),
    (RequestCase("admin", "POST", "/api/languages", {"code": "de", "name": "German"}), "language_exists"),
    (
        RequestCase(
            "anonymous", "POST", "/api/keys/redeem", {"token": "osk_" + "a" * 43, "name": "Ada", "secret": SECRET}
        ),
        "key_not_usable",
    ),
    (RequestCase("anonymous", "POST", "/api/session", sign_in_of(MAX_BODY_BYTES + 1)), "body_too_large"),
    (RequestCase("anonymous", "POST", "/api/nowhere", {}, {**JSON, "Content-Length": "9" * 5000}), "body_too_large"),
    (RequestCase("anonymous", "POST", "/api/session", CREDENTIALS, {}), "unsupported_media_type"),
    (RequestCase("anonymous", "POST", "/api/session", CREDENTIALS, TEXT), "unsupported_media_type"),
    (RequestCase("anonymous", "POST", "/api/nowhere", {}, TEXT), "unsupported_media_type"),
    (RequestCase("anonymous", "DELETE", "/api/session", {}, TEXT), "unsupported_media_type"),
    (RequestCase("anonymous", "POST", "/api/session", []), "validation_failed"),
    (RequestCase("anonymous", "POST", "/api/session", sign_in_of(MAX_BODY_BYTES)), "validation_failed"),
    (RequestCase("admin", "GET", "/api/languages?limit=hunter2"), "validation_failed"),
]


@pytest.mark.parametrize(("asked", "code"), REFUSED)
async def test_a_refusal_is_a_problem_of_the_closed_list(app: RunningApp, asked: RequestCase, code: str) -> None:
    await app.language("de")
    response = await answer(app, asked)
    assert response.status_code == KINDS[code].status
    if asked.method == "HEAD":
        return
    told = problem(response)
    assert told["code"] == code
    assert told["type"] == f"urn:ostiary:problem:{code}"
    assert told["title"] == KINDS[code].title
    assert told["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert SECRET not in response.text
    assert "hunter2" not in response.text


@pytest.mark.parametrize("asked", [asked for asked, _ in REFUSED] + [RequestCase("user", "GET", "/api/session")])
async def test_every_answer_carries_the_common_headers(app: RunningApp, asked: RequestCase) -> None:
    response = await answer(app, asked)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cross-origin-resource-policy"] == "same-site"
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["cache-control"] in ("no-store", "private, no-cache")
    assert len(response.headers["x-request-id"]) == 36
    assert "server" not in response.headers
    assert "strict-transport-security" not in response.headers


async def test_a_body_without_a_length_is_read_up_to_the_limit_and_no_further(app: RunningApp) -> None:
    client = app.client()
    fitting = await client.post("/api/session", content=in_chunks(sign_in_of(MAX_BODY_BYTES)), headers=JSON)
    assert "content-length" not in fitting.request.headers
    assert problem(fitting)["code"] == "validation_failed"
    over = await client.post("/api/session", content=in_chunks(sign_in_of(MAX_BODY_BYTES + 1)), headers=JSON)
    assert (over.status_code, problem(over)["code"]) == (413, "body_too_large")


async def test_a_wrong_method_is_told_which_are_right(app: RunningApp) -> None:
    response = await app.client().put("/api/languages/de", json={})
    assert {method.strip() for method in response.headers["allow"].split(",")} == {
        "GET",
        "HEAD",
        "PATCH",
        "DELETE",
        "OPTIONS",
    }


@pytest.mark.parametrize("path", ["/api/sessions", "/api/keys"])
async def test_a_401_says_how_to_sign_in(app: RunningApp, path: str) -> None:
    assert (await app.client().get(path)).headers["www-authenticate"] == 'Bearer realm="ostiary"'


async def test_an_error_of_ours_says_nothing_of_itself_but_its_instance(app: RunningApp) -> None:
    client = await app.signed_in(admin=True)
    await app.resources.database.pool.execute("ALTER TABLE languages RENAME TO hidden")
    try:
        with capture_logs() as lines:
            response = await client.get("/api/languages/de")
    finally:
        await app.resources.database.pool.execute("ALTER TABLE hidden RENAME TO languages")
    told = problem(response)
    assert (response.status_code, told["code"]) == (500, "internal_error")
    assert told["detail"] == "The error has been logged under this instance."
    assert "languages" not in response.text
    [logged] = lines
    assert (logged["event"], logged["request_id"]) == ("request_failed", response.headers["x-request-id"])
    assert isinstance(logged["exc_info"], asyncpg.UndefinedTableError)
    assert (await client.get("/api/languages")).status_code == 200
