"""The outermost layer: request ids, the access log, HSTS, HEAD, trusted proxies, and CORS."""

import asyncio
from unittest.mock import AsyncMock

import pytest
from litestar.types import Message
from structlog.testing import capture_logs

from tests.support.app import CREDENTIALS, Clock, RunningApp, running, settings_for

APP = "https://app.example.org"


async def test_every_request_has_an_id_that_the_client_does_not_choose(app: RunningApp) -> None:
    client = app.client(**{"X-Request-Id": "chosen"})
    ids = [(await client.get("/health/live")).headers["x-request-id"] for _ in range(3)]
    assert len({*ids, "chosen"}) == 4


@pytest.mark.parametrize(
    ("environ", "sent"),
    [
        ({"PUBLIC_URL": "http://127.0.0.1:8000", "HSTS_INCLUDE_SUBDOMAINS": "on"}, None),
        ({"PUBLIC_URL": "https://auth.example.org"}, "max-age=31536000"),
        (
            {"PUBLIC_URL": "https://auth.example.org", "HSTS_INCLUDE_SUBDOMAINS": "on"},
            "max-age=31536000; includeSubDomains",
        ),
    ],
)
async def test_hsts_is_sent_where_the_public_url_is_https_and_is_for_subdomains_only_by_a_setting(
    database_url: str, environ: dict[str, str], sent: str | None
) -> None:
    async with running(settings_for(database_url, **environ), Clock()) as app:
        for path in ("/health/live", "/api/nowhere"):
            assert (await app.client().get(path)).headers.get("strict-transport-security") == sent


async def test_the_access_log_has_one_line_a_request_without_query_header_or_body(
    app: RunningApp, database_url: str
) -> None:
    token = await app.token(await app.user())
    async with running(settings_for(database_url, ACCESS_LOG="on"), Clock()) as logging:
        client = logging.with_cookie(token)
        with capture_logs() as other_lines:
            answers = [
                await client.get("/api/languages", params={"cursor": "hunter2"}),
                await client.post("/api/session", json={"secret": "hunter2"}),
                await client.get("/nowhere"),
            ]
        assert other_lines == []
        lines = await logging.access_log()
    assert {(line["event"], line["level"]) for line in lines} == {("request", "info")}
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/api/languages", 422),
        ("POST", "/api/session", 422),
        ("GET", "/nowhere", 404),
    ]
    assert [line["request_id"] for line in lines] == [answer.headers["x-request-id"] for answer in answers]
    assert "hunter2" not in str(lines)
    assert token not in str(lines)


async def test_an_answer_that_is_not_read_is_abandoned_with_one_line_in_the_log(database_url: str) -> None:
    scope = {
        "type": "http", "method": "GET", "path": "/api/openapi.json", "raw_path": b"/api/openapi.json",
        "query_string": b"", "headers": [(b"host", b"x")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        "scheme": "http", "http_version": "1.1", "root_path": "", "asgi": {},
    }  # fmt: skip
    bodies = list[bytes]()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            if bodies:
                await asyncio.Event().wait()
            bodies.append(message["body"])

    async with running(settings_for(database_url, READER_TIMEOUT_SECONDS="1"), Clock()) as app:
        with capture_logs() as lines:
            await app.asgi(scope, AsyncMock(), send)  # type: ignore[arg-type] # a scope as a server creates it

    assert len(bodies) == 1
    assert [line["event"] for line in lines] == ["answer_not_read"]


@pytest.mark.parametrize("path", ["/health/live", "/api/session", "/api/languages", "/api/nowhere"])
async def test_head_answers_as_get_does_without_the_content(app: RunningApp, path: str) -> None:
    client = await app.signed_in(admin=True)
    got, head = await client.get(path), await client.head(path)
    varying = {"x-request-id", "date"}
    for name in got.headers.keys() | head.headers.keys() - varying:
        assert name in varying or head.headers[name] == got.headers[name]
    assert (head.status_code, head.content) == (got.status_code, b"")


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "seen"),
    [
        ("", "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("", "::ffff:198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("10.0.0.0/8", "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8", "::ffff:127.0.0.1", "198.51.100.1, 203.0.113.9:4711", "203.0.113.9"),
        ("::ffff:127.0.0.0/104", "127.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"),
        ("127.0.0.0/8,203.0.113.9", "127.0.0.1", "198.51.100.1, 203.0.113.9", "198.51.100.1"),
    ],
)
async def test_the_clients_address_is_taken_from_trusted_proxies_only(
    app: RunningApp, database_url: str, trusted: str, peer: str, forwarded: str, seen: str
) -> None:
    await app.user()
    async with running(settings_for(database_url, TRUSTED_PROXIES=trusted), Clock()) as proxied:
        client = proxied.client(ip=peer, **{"X-Forwarded-For": forwarded})
        assert (await client.post("/api/session", json=CREDENTIALS)).status_code == 201
    assert await app.resources.database.pool.fetchval("SELECT ip FROM sessions") == seen


async def test_pages_of_allowed_origins_may_use_the_api_and_others_may_not(app: RunningApp, database_url: str) -> None:
    token = await app.token(await app.user())
    async with running(settings_for(database_url, ALLOWED_ORIGINS=APP), Clock()) as allowing:
        client = allowing.with_cookie(token)
        preflight = {"Origin": APP, "Access-Control-Request-Method": "PATCH"}
        answer = await client.options("/api/languages/de", headers=preflight)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == APP
        assert answer.headers["access-control-allow-credentials"] == "true"
        read = await client.get("/api/session", headers={"Origin": APP})
        assert read.headers["access-control-allow-origin"] == APP
        exposed = read.headers["access-control-expose-headers"].split(", ")
        assert {"X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"} <= set(exposed)
        foreign = await client.get("/api/session", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in foreign.headers
        assert (await client.delete("/api/sessions", headers={"Origin": APP})).status_code == 204
        assert (await client.delete("/api/sessions", headers={"Origin": "https://evil.example"})).status_code == 403


async def test_without_allowed_origins_no_cors_header_is_sent(app: RunningApp) -> None:
    client = await app.signed_in()
    answer = await client.get("/api/session", headers={"Origin": APP})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
