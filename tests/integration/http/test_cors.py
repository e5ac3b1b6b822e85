"""CORS: every answer to an allowed origin can be read by its page, the early answers of the outer layers included."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from app.http.bodies import MAX_BODY_BYTES, MAX_TEXTS_BYTES
from tests.support.app import CREDENTIALS, RunningApp, running, settings_for
from tests.support.app import problem as problem_of

APP = "https://app.example.org"
OTHER = "https://admin.example.org:8443"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
async def shared_allowing(shared_app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A service that allows two origins and waits 1 s for a body."""
    limits = {"LIMIT_MAIL_BY_CLIENT": "1/minute", "REQUESTS_MAX": "1", "BODY_TIMEOUT_SECONDS": "1"}
    settings = settings_for(database_url, ALLOWED_ORIGINS=f"{APP},{OTHER}", **limits)
    async with running(settings, shared_app.clock) as allowing:
        yield allowing


@pytest.fixture
def page(app: RunningApp, shared_allowing: RunningApp) -> httpx.AsyncClient:
    """A page of the allowed origin."""
    assert app.clock is shared_allowing.clock
    client = shared_allowing.client()
    client.headers["Origin"] = APP
    return client


def assert_readable(answer: httpx.Response, origin: str = APP) -> None:
    """Assert that a browser lets a page of the origin read the answer, its headers included."""
    assert answer.headers.get_list("access-control-allow-origin") == [origin]
    assert answer.headers.get_list("access-control-allow-credentials") == ["true"]
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert exposed >= {"Date", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"}
    assert "Origin" in answer.headers["vary"].split(", ")


async def endless_body() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


async def second_request_for_a_key(client: httpx.AsyncClient) -> httpx.Response:
    asked = [{"purpose": "sign_in", "email": f"{name}@example.org"} for name in ("ada", "bob")]
    return [await client.post("/api/keys", json=body) for body in asked][-1]


async def one_request_too_many(client: httpx.AsyncClient) -> httpx.Response:
    answers = await asyncio.gather(*[client.post("/api/session", json=CREDENTIALS) for _ in range(5)])
    return next(answer for answer in answers if answer.status_code == 503)


EARLY: dict[str, tuple[int, Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]]] = {
    "a path with a NUL character": (400, lambda client: client.get("/api/languages/%00")),
    "two hosts": (400, lambda client: client.get("/api/session", headers=[("Host", "a"), ("Host", "b")])),
    "malformed JSON": (400, lambda client: client.post("/api/session", content=b"{", headers=JSON)),
    "an anonymous caller": (401, lambda client: client.get("/api/sessions")),
    "an unknown path": (404, lambda client: client.get("/api/nowhere")),
    "another method": (405, lambda client: client.put("/api/session")),
    "a body that does not arrive": (
        408,
        lambda client: client.post("/api/session", content=endless_body(), headers=JSON),
    ),
    "a body that no route takes": (
        413,
        lambda client: client.post("/api/session", content=b" " * (MAX_TEXTS_BYTES + 1), headers=JSON),
    ),
    "a body that this route does not take": (
        413,
        lambda client: client.post("/api/session", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON),
    ),
    "a body that is not JSON": (415, lambda client: client.post("/api/session", content=b"a=b")),
    "values that are not acceptable": (422, lambda client: client.post("/api/session", json={})),
    "too many requests": (429, second_request_for_a_key),
    "a busy service": (503, one_request_too_many),
}


@pytest.mark.parametrize("what", EARLY)
async def test_a_page_of_an_allowed_origin_can_read_every_early_answer(page: httpx.AsyncClient, what: str) -> None:
    status, ask = EARLY[what]
    answer = await ask(page)
    assert answer.status_code == status, answer.text
    assert problem_of(answer)["status"] == status
    assert_readable(answer)


@pytest.mark.parametrize("origin", [APP, OTHER])
async def test_each_allowed_origin_is_answered_with_its_own_name(page: httpx.AsyncClient, origin: str) -> None:
    assert_readable(await page.get("/api/session", headers={"Origin": origin}), origin)


@pytest.mark.parametrize("path", ["/api/session", "/api/openapi.json", "/api/nowhere", "/health/live"])
@pytest.mark.parametrize("origin", [APP, "https://evil.example", None])
async def test_vary_names_origin_with_and_without_one_beside_what_the_route_names(
    page: httpx.AsyncClient, path: str, origin: str | None
) -> None:
    del page.headers["Origin"]
    answer = await page.get(path, headers={"Origin": origin} if origin else {})
    own = {"/api/session": {"Cookie", "Authorization"}, "/api/nowhere": {"Accept-Language"}}.get(path, set[str]())
    assert set(answer.headers["vary"].split(", ")) == {*own, "Origin"}


async def test_without_allowed_origins_no_answer_varies_on_the_origin(app: RunningApp) -> None:
    answers = [await app.client().get(path) for path in ("/api/session", "/api/nowhere", "/health/live")]
    assert [answer.headers.get("vary") for answer in answers] == ["Cookie, Authorization", "Accept-Language", None]


async def test_a_304_keeps_what_the_200_varies_on(page: httpx.AsyncClient) -> None:
    etag = (await page.get("/api/session")).headers["etag"]
    unchanged = await page.get("/api/session", headers={"If-None-Match": etag})
    assert unchanged.status_code == 304
    assert set(unchanged.headers["vary"].split(", ")) == {"Cookie", "Authorization", "Origin"}
    assert_readable(unchanged)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_preflight_passes_for_every_method_and_header_that_the_api_reads(
    page: httpx.AsyncClient, method: str
) -> None:
    asked = "authorization,content-type,if-match,if-none-match,traceparent,tracestate,x-request-id"
    headers = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": asked}
    answer = await page.options("/api/languages/de", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert set(asked.split(",")) <= set(allowed)
    assert int(answer.headers["access-control-max-age"]) <= 7200
    assert "content-type" not in answer.headers


async def test_a_preflight_does_not_name_a_header_that_the_api_does_not_read(page: httpx.AsyncClient) -> None:
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-forwarded-for"}
    answer = await page.options("/api/session", headers=headers)
    assert "forwarded" not in answer.headers["access-control-allow-headers"].lower()


async def test_options_without_a_preflight_lists_the_methods(page: httpx.AsyncClient) -> None:
    answer = await page.options("/api/session")
    assert answer.status_code == 204
    assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST", "DELETE"}
    assert_readable(answer)


async def test_a_refused_preflight_is_a_problem(app: RunningApp) -> None:
    headers = {"Origin": APP, "Access-Control-Request-Method": "PATCH"}
    answer = await app.client().options("/api/languages/de", headers=headers)
    assert (answer.status_code, problem_of(answer)["code"]) == (403, "cross_site_request")
    assert not [name for name in answer.headers if name.startswith("access-control-")]
