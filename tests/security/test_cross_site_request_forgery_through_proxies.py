"""A page of another site lets a browser send requests with the cookie to a back end behind a proxy."""

from itertools import product
from uuid import uuid4

import pytest

from tests.support.app import ORIGIN, RunningApp, problem
from tests.support.proxied_service import APP_ORIGIN, Proxied, reached

EVIL = "https://evil.example"
SITES = (None, "same-origin", "same-site", "cross-site", "none", "bogus")
ORIGINS = (None, ORIGIN, EVIL, "null")
UNSAFE: tuple[str | None, ...] = ("POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get", "", None)
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


def headers_of(method: str | None, site: str | None, origin: str | None) -> dict[str, str]:
    """The headers of a request that a proxy asks about."""
    named = {"X-Forwarded-Method": method, "Sec-Fetch-Site": site, "Origin": origin}
    return {name: value for name, value in named.items() if value is not None}


@pytest.mark.parametrize(("site", "origin"), list(product(SITES, ORIGINS)))
async def test_the_forwarded_method_decides_as_the_method_of_our_own_routes(
    app: RunningApp, site: str | None, origin: str | None
) -> None:
    client = await app.signed_in()
    del client.headers["Origin"]
    for safe in SAFE:
        assert (await client.get("/api/verify", headers=headers_of(safe, site, origin))).status_code == 204
    for method in UNSAFE:
        answer = await client.get("/api/verify", headers=headers_of(method, site, origin))
        if site == "same-origin" or origin == ORIGIN:
            assert answer.status_code == 204
        else:
            assert problem(answer)["code"] == "cross_site_request"


async def test_several_forwarded_methods_count_as_a_change(app: RunningApp) -> None:
    client = await app.signed_in()
    del client.headers["Origin"]
    for methods in (("GET", "GET"), ("GET", "POST"), ("POST", "GET")):
        sent = [("X-Forwarded-Method", method) for method in methods]
        assert problem(await client.get("/api/verify", headers=sent))["code"] == "cross_site_request"
    for value in ("GET, POST", "GET,GET", "POST;GET", "GET\t,"):
        sent = [("X-Forwarded-Method", value)]
        assert problem(await client.get("/api/verify", headers=sent))["code"] == "cross_site_request"


async def test_a_request_with_a_bearer_token_is_passed_from_everywhere(app: RunningApp) -> None:
    script = app.client(Authorization=f"Bearer {await app.token(await app.user())}")
    script.headers["Origin"] = EVIL
    answer = await script.get("/api/verify", headers={"X-Forwarded-Method": "DELETE", "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 204


async def test_a_page_of_another_site_changes_nothing_behind_a_proxy(proxy: Proxied) -> None:
    app = proxy.workers.app
    token = await app.token(await app.user(f"{uuid4()}@example.org"))
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        own = await proxy.send(token, method, headers=[("Origin", APP_ORIGIN)], content=b"x=1")
        assert reached(own).request.startswith(method)
        for origin in (EVIL, "null"):
            assert (await proxy.send(token, method, headers=[("Origin", origin)], content=b"x=1")).status_code == 403
        assert (await proxy.send(token, method, content=b"x=1")).status_code == 403
        site = [("Sec-Fetch-Site", "cross-site")]
        assert (await proxy.send(token, method, headers=site)).status_code == 403
    assert reached(await proxy.send(token, headers=[("Origin", EVIL)])).request.startswith("GET")
