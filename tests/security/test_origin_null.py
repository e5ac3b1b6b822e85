"""CSRF with `Origin: null`: a sandboxed frame, a data: URL or a redirect hides the origin of a forged request."""

import pytest

from tests.support.app import CREDENTIALS, ORIGIN, SECRET, RunningApp, problem

UNSAFE = (
    ("POST", "/api/session", CREDENTIALS),
    ("DELETE", "/api/session", None),
    ("POST", "/api/session/reauthentication", {"method": "password", "secret": SECRET}),
    ("DELETE", "/api/sessions", None),
    ("PUT", "/api/keys/primary/secret", {"secret": "nine quiet herons over water"}),
    ("POST", "/api/languages", {"code": "de", "name": "German"}),
)

# Foreign origins that resemble the service's own origin.
FOREIGN = (
    "null", "NULL", "", "undefined", "about:blank", "file://", "http://127.0.0.1", "https://127.0.0.1:8000",
    "http://127.0.0.1:8001", "http://127.0.0.1:80000", "http://127.0.0.1:8000.evil.example", "127.0.0.1:8000",
    "http://evil.example#http://127.0.0.1:8000", "http://127.0.0.1:8000@evil.example", "http://127.0.0.1:8000/",
    "http://localhost:8001", "https://localhost:8000", "http://a.localhost:8000",
    "http://127.0.0.1:8000, https://evil.example", "https://evil.example, http://127.0.0.1:8000",
    "http://[::1]:8001", "http://[::2]:8000", "http://127.0.0.2:8000",
    "HTTP://127.0.0.1:8000", "*", "http://127.0.0.1:8000 ", "http://2130706433:8000",
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), UNSAFE)
async def test_a_null_origin_is_refused_on_every_unsafe_route(
    app: RunningApp, method: str, path: str, body: dict[str, str] | None
) -> None:
    admin = await app.signed_in(admin=True)

    answer = await admin.request(method, path, json=body, headers={"Origin": "null"})

    assert answer.status_code == 403
    assert problem(answer)["code"] == "cross_site_request"


@pytest.mark.parametrize("origin", [value for value in FOREIGN if value == value.strip()])
async def test_an_origin_that_resembles_the_origin_of_the_service_is_refused(app: RunningApp, origin: str) -> None:
    admin = await app.signed_in(admin=True)

    answer = await admin.post("/api/languages", json={"code": "de", "name": "German"}, headers={"Origin": origin})

    assert problem(answer)["code"] == "cross_site_request"
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM languages") == 0


@pytest.mark.parametrize("origins", [(ORIGIN, "null"), ("null", ORIGIN)])
async def test_a_request_with_two_origins_is_refused(app: RunningApp, origins: tuple[str, str]) -> None:
    admin = await app.signed_in(admin=True)
    del admin.headers["Origin"]

    answer = await admin.delete("/api/sessions", headers=[("Origin", origin) for origin in origins])

    assert problem(answer)["code"] == "cross_site_request"
