"""Cross-site request forgery (CSRF): all combinations of Sec-Fetch-Site, Origin and unsafe method, as a table."""

from itertools import product

import pytest

from tests.support.app import ORIGIN, Clock, RunningApp, problem, running, settings_for

EVIL = "https://evil.example"
FETCH_SITES = (None, "same-origin", "same-site", "cross-site", "none", "bogus")
ORIGINS = (None, ORIGIN, EVIL, "null")
METHODS = ("POST", "PUT", "PATCH", "DELETE")

# With the cookie, a request is served only as a same-origin fetch or from the service's own origin.
SERVED_WITH_COOKIE = {(site, ORIGIN) for site in FETCH_SITES} | {("same-origin", origin) for origin in ORIGINS}

REQUEST_OF_METHOD = {
    "POST": ("/api/languages", {"code": "fr", "name": "French"}),
    "PUT": ("/api/keys/primary/secret", {"secret": "nine quiet herons over water"}),
    "PATCH": ("/api/languages/de", {"name": "Changed"}),
    "DELETE": ("/api/languages/de", None),
}


def _headers(site: str | None, origin: str | None) -> dict[str, str]:
    return {name: value for name, value in (("Sec-Fetch-Site", site), ("Origin", origin)) if value is not None}


@pytest.mark.parametrize(("site", "origin", "method"), list(product(FETCH_SITES, ORIGINS, METHODS)))
async def test_a_request_with_the_cookie_is_served_from_the_origin_of_the_service_only(
    app: RunningApp, site: str | None, origin: str | None, method: str
) -> None:
    admin = await app.signed_in(admin=True)
    del admin.headers["Origin"]
    await app.language()
    path, body = REQUEST_OF_METHOD[method]

    answer = await admin.request(method, path, json=body, headers=_headers(site, origin))

    # The browser would drop the new cookie of the answer.
    is_kept = site != "cross-site" or method != "PUT"
    if (site, origin) in SERVED_WITH_COOKIE and is_kept:
        assert answer.is_success
    else:
        code = "cross_site_request" if (site, origin) not in SERVED_WITH_COOKIE else "session_not_kept"
        assert problem(answer)["code"] == code
        names = await app.resources.database.pool.fetch("SELECT name FROM languages")
        assert [row["name"] for row in names] == ["German"]


@pytest.mark.parametrize(("site", "origin"), list(product(FETCH_SITES, ORIGINS)))
async def test_a_request_with_a_bearer_token_is_served_from_every_origin(
    app: RunningApp, site: str | None, origin: str | None
) -> None:
    token = await app.token(await app.user(admin=True), admin=True)
    script = app.client(Authorization=f"Bearer {token}")
    del script.headers["Origin"]

    answer = await script.post("/api/languages", json=REQUEST_OF_METHOD["POST"][1], headers=_headers(site, origin))

    assert answer.status_code == 201


@pytest.mark.parametrize("origin", [None, EVIL, "null"])
async def test_an_invalid_bearer_token_does_not_bypass_the_check_of_the_cookie(
    app: RunningApp, origin: str | None
) -> None:
    admin = await app.signed_in(admin=True)
    del admin.headers["Origin"]

    answer = await admin.post(
        "/api/languages",
        json=REQUEST_OF_METHOD["POST"][1],
        headers={"Authorization": "Bearer x", **_headers(None, origin)},
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
async def test_safe_methods_change_nothing_on_any_route(app: RunningApp, method: str) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()
    token = await app.invitation()

    for path in ("/api/session", "/api/sessions", "/api/languages/de", f"/api/keys/redeem?token={token}"):
        await admin.request(method, path, headers={"Origin": EVIL, "Sec-Fetch-Site": "cross-site"})

    pool = app.resources.database.pool
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 1
    assert await pool.fetchval("SELECT count(*) FROM languages") == 1
    assert await pool.fetchval("SELECT count(*) FROM keys WHERE used_at IS NOT NULL") == 0


@pytest.mark.parametrize(
    ("origin", "served"), [("https://app.example.org", True), ("https://other.example.org", False)]
)
async def test_only_an_allowed_origin_is_served(app: RunningApp, database_url: str, origin: str, served: bool) -> None:
    async with running(settings_for(database_url, ALLOWED_ORIGINS="https://app.example.org"), Clock()) as service:
        admin = await service.signed_in(admin=True)
        answer = await admin.post(
            "/api/languages", json=REQUEST_OF_METHOD["POST"][1], headers=_headers("same-site", origin)
        )

    assert (answer.status_code == 201) is served
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM languages") == int(served)
