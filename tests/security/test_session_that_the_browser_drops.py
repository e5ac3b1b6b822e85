"""Success without effect: a page signs in from another site, and the browser drops the session cookie in silence."""

from collections.abc import AsyncIterator

import pytest
from litestar.routes import HTTPRoute

from app.asgi import build
from app.auth.middleware import SETS_COOKIE
from app.pages.html.controller import PAGE as OF_PAGES
from tests.support.app import CREDENTIALS, Clock, RunningApp, is_signed_in, problem, running, settings_for
from tests.support.mailbox import mailed, token_in

PAGE = "http://localhost:5173"
CROSS_SITE = {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"}
UNUSED = "postgresql:///unused"
# Every operation of the API whose answer can set or clear a cookie, as its route says.
SETTERS = sorted(
    (method, route.path_format.replace("{user_id}", "me"))
    for route in build(settings_for(UNUSED)).routes
    if isinstance(route, HTTPRoute)
    for handler in route.route_handlers
    if handler.opt.get(SETS_COOKIE) and not handler.opt.get(OF_PAGES)
    for method in handler.http_methods
)


@pytest.fixture
async def service(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """The service that allows the page."""
    async with running(settings_for(database_url, ALLOWED_ORIGINS=PAGE), app.clock) as with_page:
        yield with_page


def test_deleting_the_own_account_is_among_the_operations_that_set_cookies() -> None:
    assert ("DELETE", "/api/users/me") in SETTERS
    assert len(SETTERS) >= 7


@pytest.mark.parametrize(("method", "path"), SETTERS)
async def test_an_allowed_origin_of_another_site_is_told_that_the_session_is_not_kept(
    service: RunningApp, method: str, path: str
) -> None:
    browser = await service.signed_in()

    # The refusal comes before the body is read.
    answer = await browser.request(method, path, json={}, headers=CROSS_SITE)

    assert (answer.status_code, problem(answer)["code"]) == (403, "session_not_kept")
    assert "localhost and 127.0.0.1 are two sites" in problem(answer)["detail"]
    assert "set-cookie" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert await is_signed_in(browser)
    assert await service.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 1


async def test_a_link_stays_usable_after_a_redemption_that_the_browser_would_drop(service: RunningApp) -> None:
    await service.user()
    body = {"method": "link", "token": token_in(await mailed(service, "sign_in"))}

    refused = await service.client().post("/api/session", json=body, headers=CROSS_SITE)
    kept = await service.client().post("/api/session", json=body, headers={"Origin": PAGE})

    assert problem(refused)["code"] == "session_not_kept"
    assert kept.status_code == 201


@pytest.mark.parametrize("site", ["same-site", "same-origin", "none"])
async def test_an_allowed_origin_of_the_same_site_signs_in(service: RunningApp, site: str) -> None:
    await service.user()
    headers = {"Origin": PAGE, "Sec-Fetch-Site": site}

    assert (await service.client().post("/api/session", json=CREDENTIALS, headers=headers)).status_code == 201


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
async def test_a_page_of_a_foreign_origin_or_of_none_is_still_refused_as_cross_site(
    service: RunningApp, origin: str | None
) -> None:
    browser = await service.signed_in()
    del browser.headers["Origin"]
    headers = {"Sec-Fetch-Site": "cross-site"} | ({"Origin": origin} if origin else {})

    anonymous = service.client()
    del anonymous.headers["Origin"]
    for client in (browser, anonymous):
        answer = await client.post("/api/session", json=CREDENTIALS, headers=headers)
        assert problem(answer)["code"] == "cross_site_request"


async def test_an_allowed_origin_of_another_site_reads_and_writes_with_a_bearer_token(service: RunningApp) -> None:
    token = await service.token(await service.user())
    client = service.client(Authorization=f"Bearer {token}", **CROSS_SITE)

    assert await is_signed_in(client)
    assert (await client.patch("/api/users/me", json={"name": "Ada L."})).status_code == 200


@pytest.mark.parametrize("origin", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"])
async def test_every_name_of_the_loopback_interface_is_the_services_own_origin(app: RunningApp, origin: str) -> None:
    await app.user()
    client = app.client(Origin=origin)
    client.base_url = origin

    assert (await client.post("/api/session", json=CREDENTIALS)).status_code == 201
    assert await is_signed_in(client)
    assert (await client.delete("/api/session")).status_code == 204


async def test_a_cookie_domain_does_not_widen_the_allowed_origins(app: RunningApp, database_url: str) -> None:
    await app.user()
    environ = {"PUBLIC_URL": "https://id.example.org", "COOKIE_DOMAIN": "example.org", "COOKIE_NAME": "sid"}
    async with running(settings_for(database_url, **environ), Clock()) as service:
        own = service.client(Origin="https://id.example.org")
        signed_in = await own.post("/api/session", json=CREDENTIALS)
        token = signed_in.headers.get_list("set-cookie")[-2].partition("=")[2].partition(";")[0]
        neighbour = service.client(Origin="https://shop.example.org", Cookie=f"sid={token}")
        refused = await neighbour.delete("/api/session", headers={"Sec-Fetch-Site": "same-site"})
        readable = await is_signed_in(neighbour)

    *cleared, session, device = signed_in.headers.get_list("set-cookie")
    assert session.startswith(
        f"sid={token}; Max-Age=2592000; Domain=example.org; Path=/; HttpOnly; SameSite=Lax; Secure"
    )
    assert [cookie.partition(" Path")[0] for cookie in cleared] == [
        "sid=; Max-Age=0;",
        "sid=; Max-Age=0; Domain=id.example.org;",
    ]
    assert device.startswith("auth_device=")
    assert "Domain" not in device
    assert problem(refused)["code"] == "cross_site_request"
    assert readable


@pytest.mark.parametrize("own", ["me", "the id", "THE ID"])
async def test_a_bearer_token_deletes_somebody_else_from_a_page_of_another_site_and_not_its_own_user(
    service: RunningApp, own: str
) -> None:
    admin_id, eve_id = await service.user(admin=True), await service.user("eve@example.org")
    token = await service.token(admin_id, admin=True)
    client = service.client(Authorization=f"Bearer {token}", **CROSS_SITE)
    named = {"me": "me", "the id": str(admin_id), "THE ID": str(admin_id).upper()}[own]

    refused = await client.delete(f"/api/users/{named}")
    deleted = await client.delete(f"/api/users/{eve_id}")

    assert problem(refused)["code"] == "session_not_kept"
    assert (deleted.status_code, "set-cookie" in deleted.headers) == (204, False)


@pytest.mark.parametrize(("language", "text"), [("en", "This cannot be done from this page"), ("de", "Das geht von")])
async def test_the_text_for_people_fits_whatever_they_wanted_to_do(
    service: RunningApp, language: str, text: str
) -> None:
    browser = await service.signed_in()
    for method, path in SETTERS:
        headers = {**CROSS_SITE, "Accept-Language": language}
        answer = await browser.request(method, path, json={}, headers=headers)
        assert problem(answer)["text"].startswith(text)
