"""Login CSRF: another site signs the victim's browser in to the attacker's account, without a cookie of the service."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, ORIGIN, SECRET, RunningApp, problem

CROSS_SITE_HEADERS = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "none", "Origin": "https://evil.example"},
)


def _without_origin(client: httpx.AsyncClient) -> httpx.AsyncClient:
    del client.headers["Origin"]
    return client


@pytest.mark.parametrize("headers", CROSS_SITE_HEADERS)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/session"), ("DELETE", "/api/session"), ("POST", "/api/keys/redeem")]
)
async def test_routes_that_set_the_cookie_refuse_cross_site_requests(
    app: RunningApp, headers: dict[str, str], method: str, path: str
) -> None:
    await app.user()
    redemption = {"token": await app.invitation(), "name": "Eve", "secret": SECRET}
    body = {"/api/session": CREDENTIALS, "/api/keys/redeem": redemption}[path] if method == "POST" else None

    answer = await _without_origin(app.client()).request(method, path, json=body, headers=headers)

    assert problem(answer)["code"] == "cross_site_request"
    assert "set-cookie" not in answer.headers
    pool = app.resources.database.pool
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 0
    assert await pool.fetchval("SELECT count(*) FROM keys WHERE used_at IS NOT NULL") == 0


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": ORIGIN}]
)
async def test_scripts_and_same_origin_pages_can_sign_in(app: RunningApp, headers: dict[str, str]) -> None:
    await app.user()

    answer = await _without_origin(app.client()).post("/api/session", json=CREDENTIALS, headers=headers)

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_form_of_another_site_cannot_sign_in(app: RunningApp, media_type: str) -> None:
    await app.user()
    body = b'{"method":"password","email":"ada@example.org","secret":"' + SECRET.encode() + b'"}'

    answer = await _without_origin(app.client()).post(
        "/api/session", content=body, headers={"Content-Type": media_type}
    )

    assert answer.status_code == 415
    assert "set-cookie" not in answer.headers
