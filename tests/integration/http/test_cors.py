"""Pages of allowed origins read every answer, errors of all layers included; pages of other origins read none."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.app import RunningApp, running, settings_for

APP = "https://app.example.org"
# A request for each layer that answers errors, and the status.
EARLY_ANSWERS: list[tuple[int, str, str, dict[str, str], bytes]] = [
    (400, "GET", "/api/session", {"Host": "two hosts"}, b""),
    (401, "GET", "/api/languages", {}, b""),
    (404, "GET", "/nowhere", {}, b""),
    (405, "PATCH", "/api/session", {}, b""),
    (413, "POST", "/api/session", {"Content-Type": "application/json"}, b"x" * 3_000_000),
    (413, "POST", "/api/session", {"Content-Type": "application/json"}, b"x" * 100_000),
    (415, "POST", "/api/session", {"Content-Type": "text/plain"}, b"x"),
    (422, "POST", "/api/session", {"Content-Type": "application/json"}, b"{}"),
]


@pytest.fixture
async def allowing(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """The service with an allowed origin, on the database of the fixture `app`."""
    async with running(settings_for(database_url, ALLOWED_ORIGINS=APP), app.clock) as allowing:
        yield allowing


def lists(answer: httpx.Response, name: str) -> set[str]:
    """The values of a header that is a list, of all its lines."""
    return {item.strip().lower() for line in answer.headers.get_list(name) for item in line.split(",")}


@pytest.mark.parametrize(("status", "method", "path", "headers", "body"), EARLY_ANSWERS)
async def test_an_allowed_origin_reads_the_errors_of_every_layer(
    allowing: RunningApp, status: int, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    client = allowing.client(Origin=APP)
    answer = await client.request(method, path, headers=headers, content=body)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert {"date", "etag", "retry-after", "x-request-id"} <= lists(answer, "access-control-expose-headers")


async def test_an_allowed_origin_reads_the_refusal_of_a_full_service(app: RunningApp, database_url: str) -> None:
    async with running(settings_for(database_url, ALLOWED_ORIGINS=APP, REQUESTS_MAX="1"), app.clock) as full:
        client = full.client(Origin=APP)

        async def answer_within_a_request() -> httpx.Response:
            return await client.get("/api/policy")

        async def body() -> AsyncIterator[bytes]:
            yield b"{"
            answers.append(await answer_within_a_request())
            yield b"}"

        answers: list[httpx.Response] = []
        await client.post("/api/session", content=body(), headers={"Content-Type": "application/json"})
    assert [answer.headers["access-control-allow-origin"] for answer in answers] == [APP]


@pytest.mark.parametrize("origin", [None, APP, "https://evil.example"])
async def test_every_answer_varies_by_origin_and_keeps_what_else_it_varies_by(
    allowing: RunningApp, origin: str | None
) -> None:
    client = allowing.client()
    client.headers.pop("origin")
    sent = {} if origin is None else {"Origin": origin}
    assert lists(await client.get("/api/session", headers=sent), "vary") == {"origin", "cookie", "authorization"}
    assert "origin" in lists(await client.get("/nowhere", headers=sent), "vary")


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://app.example.org", f"{APP}.evil.example", f"{APP}:443", APP.upper(), ""],
)
async def test_another_origin_reads_nothing_and_its_preflight_is_no_text(allowing: RunningApp, origin: str) -> None:
    client = allowing.client(Origin=origin)
    preflight = await client.options("/api/languages/de", headers={"Access-Control-Request-Method": "PATCH"})
    for answer in (await client.get("/api/session"), preflight):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "text/plain" not in preflight.headers.get("content-type", "")


@pytest.mark.parametrize("path", ["/api/languages/de", "/api/session", "/nowhere"])
async def test_a_preflight_allows_the_methods_and_headers_of_the_api(allowing: RunningApp, path: str) -> None:
    wanted = ["authorization", "traceparent", "x-request-id", "if-match", "if-none-match", "content-type"]
    answer = await allowing.client(Origin=APP).options(
        path,
        headers={"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": ", ".join(wanted)},
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == APP
    assert set(wanted) <= lists(answer, "access-control-allow-headers")
    assert {"get", "post", "put", "patch", "delete"} == lists(answer, "access-control-allow-methods")
    assert "access-control-request-headers" in lists(answer, "vary")


async def test_two_origin_headers_are_no_origin(allowing: RunningApp) -> None:
    client = allowing.client()
    client.headers.pop("origin")
    answer = await client.get("/api/session", headers=[("Origin", APP), ("Origin", APP)])
    assert "access-control-allow-origin" not in answer.headers


async def test_without_allowed_origins_no_answer_varies_by_origin(app: RunningApp) -> None:
    assert "vary" not in (await app.client().get("/health/live")).headers
