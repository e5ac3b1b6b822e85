"""Cross-origin reading: a page of a foreign origin reads answers with the cookie of its visitor.

An answer is readable for a page only with CORS headers that name its origin, which only allowed origins get.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.app import RunningApp, problem, running, settings_for

APP = "https://app.example.org"
FOREIGN = (
    "https://evil.example", "null", "http://app.example.org", "https://app.example.org:444",
    "https://app.example.org.evil.example", "https://evilapp.example.org", "https://APP.example.org",
    "https://app.example.org/", "https://app.example.org, https://evil.example", "*", "",
)  # fmt: skip


@pytest.fixture(scope="module")
async def allowing(shared_app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A service that allows one origin."""
    async with running(settings_for(database_url, ALLOWED_ORIGINS=APP), shared_app.clock) as service:
        yield service


def cors_headers(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_no_answer_to_a_foreign_origin_has_a_cors_header(
    app: RunningApp, allowing: RunningApp, origin: str
) -> None:
    client = allowing.with_cookie(await app.token(await app.user()))
    client.headers["Origin"] = origin
    answers = [
        await client.get("/api/session"),
        await client.get("/api/nowhere"),
        await client.get("/api/languages/%00"),
        await client.post("/api/session", content=b"a=b"),
        await client.delete("/api/sessions"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 400, 415, 403]
    assert [cors_headers(answer) for answer in answers] == [[]] * 5


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_preflight_of_a_foreign_origin_is_refused_with_a_problem(allowing: RunningApp, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
    answer = await allowing.client().options("/api/sessions", headers=headers)
    assert (answer.status_code, problem(answer)["code"]) == (403, "cross_site_request")
    assert cors_headers(answer) == []


async def test_two_origins_are_no_allowed_origin(app: RunningApp, allowing: RunningApp) -> None:
    client = allowing.with_cookie(await app.token(await app.user()))
    del client.headers["Origin"]
    for pair in ([APP, "https://evil.example"], ["https://evil.example", APP], [APP, APP]):
        answer = await client.get("/api/session", headers=[("Origin", origin) for origin in pair])
        assert cors_headers(answer) == []
