"""Cross-site request forgery: every combination of what a browser says, as a table."""

from itertools import product

import pytest

from tests.support.app import ORIGIN, Clock, RunningApp, problem, running, settings_for

EVIL = "https://evil.example"
SITES = (None, "same-origin", "same-site", "cross-site", "none", "bogus")
ORIGINS = (None, ORIGIN, EVIL, "null")
METHODS = ("POST", "PUT", "PATCH", "DELETE")

# With the cookie: only a same-origin fetch, or one of our own origins, is served.
COOKIE_SERVED = {(site, ORIGIN) for site in SITES} | {("same-origin", origin) for origin in ORIGINS}

PATHS = {
    "POST": ("/api/languages", {"code": "fr", "name": "French"}),
    "PUT": ("/api/keys/primary/secret", {"secret": "nine quiet herons over water"}),
    "PATCH": ("/api/languages/de", {"name": "Changed"}),
    "DELETE": ("/api/languages/de", None),
}


def _headers(site: str | None, origin: str | None) -> dict[str, str]:
    return {name: value for name, value in (("Sec-Fetch-Site", site), ("Origin", origin)) if value is not None}


@pytest.mark.parametrize(("site", "origin", "method"), list(product(SITES, ORIGINS, METHODS)))
async def test_with_the_cookie(app: RunningApp, site: str | None, origin: str | None, method: str) -> None:
    admin = await app.signed_in(admin=True)
    del admin.headers["Origin"]
    await app.language()
    path, body = PATHS[method]

    answer = await admin.request(method, path, json=body, headers=_headers(site, origin))

    if (site, origin) in COOKIE_SERVED:
        assert answer.is_success
    else:
        assert problem(answer)["code"] == "cross_site_request"
        names = await app.resources.database.pool.fetch("SELECT name FROM languages")
        assert [row["name"] for row in names] == ["German"]


@pytest.mark.parametrize(("site", "origin"), list(product(SITES, ORIGINS)))
async def test_with_a_bearer_token_the_origin_does_not_matter(
    app: RunningApp, site: str | None, origin: str | None
) -> None:
    token = await app.token(await app.user(admin=True), admin=True)
    script = app.client(Authorization=f"Bearer {token}")
    del script.headers["Origin"]

    answer = await script.post("/api/languages", json=PATHS["POST"][1], headers=_headers(site, origin))

    assert answer.status_code == 201


@pytest.mark.parametrize("origin", [None, EVIL, "null"])
async def test_the_cookie_is_not_served_by_claiming_a_bearer_token(app: RunningApp, origin: str | None) -> None:
    admin = await app.signed_in(admin=True)
    del admin.headers["Origin"]

    answer = await admin.post(
        "/api/languages", json=PATHS["POST"][1], headers={"Authorization": "Bearer x", **_headers(None, origin)}
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
async def test_an_allowed_origin_is_served_and_its_neighbour_is_not(
    app: RunningApp, database_url: str, origin: str, served: bool
) -> None:
    async with running(settings_for(database_url, ALLOWED_ORIGINS="https://app.example.org"), Clock()) as allowed:
        admin = await allowed.signed_in(admin=True)
        answer = await admin.post("/api/languages", json=PATHS["POST"][1], headers=_headers("same-site", origin))

    assert (answer.status_code == 201) is served
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM languages") == int(served)
