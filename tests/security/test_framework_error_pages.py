"""Information disclosure: an error page of the framework lacks the security headers or shows internals."""

import pytest

from tests.support.app import ORIGIN, Clock, RunningApp, problem, running, settings_for

UNROUTED = (
    ("GET", "/a"), ("GET", "/nowhere"), ("GET", "/api"), ("GET", "/api/"), ("GET", "/api/nowhere"), ("GET", "/schema"),
    ("GET", "/docs/swagger"), ("GET", "/api/openapi.yaml"), ("POST", "/api/nowhere"), ("PUT", "/api/session"),
    ("DELETE", "/api/languages"), ("TRACE", "/api/session"), ("GET", "/api/sessions/not-an-id"), ("GET", "/redeem/a"),
)  # fmt: skip

HEADERS = (
    "content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-resource-policy",
    "x-request-id", "cache-control",
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), UNROUTED)
async def test_requests_without_a_route_get_a_problem_with_all_security_headers(
    app: RunningApp, method: str, path: str
) -> None:
    answer = await app.client().request(method, path)

    assert answer.status_code in (401, 404, 405)
    assert problem(answer)["code"] in ("not_found", "method_not_allowed", "not_signed_in")
    assert all(name in answer.headers for name in HEADERS)
    assert "server" not in answer.headers


@pytest.mark.parametrize("debug", ["0", "1"])
async def test_an_internal_error_discloses_no_internals(
    app: RunningApp, monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    monkeypatch.setenv("LITESTAR_DEBUG", debug)
    pool = app.resources.database.pool
    await pool.execute("ALTER TABLE languages RENAME TO hidden")
    try:
        async with running(settings_for(app.settings.database_url or ""), Clock()) as service:
            admin = await service.signed_in(admin=True)
            answer = await admin.get("/api/languages/de", headers={"Accept": "text/html"})
    finally:
        await pool.execute("ALTER TABLE hidden RENAME TO languages")

    assert problem(answer)["code"] == "internal_error"
    for internal in ("languages", "Traceback", "asyncpg", "relation", "/app/", "SELECT", "hidden"):
        assert internal not in answer.text.replace("/api/languages", "")


async def test_answers_forbid_storage_by_shared_caches(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()

    for path in ("/api/sessions", "/api/keys", "/api/languages", "/api/languages/de", "/nowhere"):
        assert (await admin.get(path)).headers["cache-control"] == "no-store"
    session_headers = (await admin.get("/api/session")).headers
    assert session_headers["cache-control"] == "private, no-cache"
    assert {"Cookie", "Authorization"} <= set(session_headers["vary"].split(", "))


async def test_answers_allow_no_other_origin_to_read(app: RunningApp) -> None:
    browser = await app.signed_in()

    for origin in ("https://evil.example", "null", ORIGIN):
        answer = await browser.get("/api/session", headers={"Origin": origin})
        assert not [name for name in answer.headers if name.startswith("access-control")]
