"""Content types that need no preflight: a form of another site reaches a JSON route, or a header evades the check."""

import gzip
import json

import pytest

from app.http.bodies import MAX_BODY_BYTES
from tests.support.app import CREDENTIALS, ORIGIN, RunningApp, problem

BODY = json.dumps(CREDENTIALS).encode()

REFUSED = (
    None, "", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data",
    "application/jsonp", "application/json5", "application/javascript", "text/json", "text/html", "application/xml",
    "application/json-patch+json", "application/merge-patch+json", "application/problem+json", "json", "*/*",
    "application/json, text/plain", "text/plain, application/json", "text/plain; application/json",
    "text/plain;a=application/json", "application", "application/", "application /json", "applicationjson", ";",
    "application/octet-stream", "application/msgpack", "application/x-msgpack", "application/yaml", "\u00e9",
)  # fmt: skip

ACCEPTED = (
    "application/json",
    "APPLICATION/JSON",
    "application/json; charset=utf-8",
    "application/json;",
    " application/json ",
)


@pytest.mark.parametrize("media_type", REFUSED)
async def test_every_other_content_type_is_answered_415(app: RunningApp, media_type: str | None) -> None:
    await app.user()
    headers = [] if media_type is None else [(b"Content-Type", media_type.encode("latin-1"))]

    answer = await app.client().post("/api/session", content=BODY, headers=headers)

    assert problem(answer)["code"] == "unsupported_media_type"
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


@pytest.mark.parametrize("media_type", ACCEPTED)
async def test_every_spelling_of_application_json_is_accepted(app: RunningApp, media_type: str) -> None:
    await app.user()

    answer = await app.client().post("/api/session", content=BODY, headers={"Content-Type": media_type})

    assert answer.status_code == 201


async def test_every_route_refuses_a_body_of_another_type(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()

    for method, path in (
        ("POST", "/api/session"),
        ("POST", "/api/session/reauthentication"),
        ("POST", "/api/keys/redeem"),
        ("PUT", "/api/keys/primary/secret"),
        ("POST", "/api/languages"),
        ("PATCH", "/api/languages/de"),
        ("DELETE", "/api/languages/de"),
        ("GET", "/api/session"),
        ("POST", "/nowhere"),
    ):
        answer = await admin.request(method, path, content=b"{}", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 415, path


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "gzip, identity", "identity, gzip", "x"])
async def test_an_encoded_body_is_refused_with_the_encoding_that_is_taken(app: RunningApp, encoding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}

    answer = await app.client().post("/api/session", content=gzip.compress(BODY), headers=headers)

    assert problem(answer)["code"] == "unsupported_media_type"
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
async def test_a_body_in_its_identity_encoding_is_read(app: RunningApp, encoding: str) -> None:
    await app.user()
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}

    assert (await app.client().post("/api/session", content=BODY, headers=headers)).status_code == 201


TWO_TYPES = [(b"content-type", b"text/plain"), (b"content-type", b"application/json"), (b"content-length", b"2")]
FRAMING = (
    ([(b"content-length", b"5"), (b"content-length", b"0"), (b"content-type", b"text/plain")], 400),
    ([(b"content-length", b"5"), (b"content-length", b"5"), (b"content-type", b"application/json")], 400),
    ([(b"content-length", b"0"), (b"transfer-encoding", b"chunked"), (b"content-type", b"text/plain")], 415),
    ([(b"transfer-encoding", b"chunked")], 415),
    (TWO_TYPES, 415),
    (TWO_TYPES[1::-1] + TWO_TYPES[2:], 415),
    ([(b"content-length", b"9" * 5000), (b"content-type", b"application/json")], 413),
    ([(b"content-length", b"0" * 5000 + b"2"), (b"content-type", b"text/plain")], 415),
    ([(b"content-length", str(MAX_BODY_BYTES + 1).encode()), (b"content-type", b"application/json")], 413),
    ([(b"content-length", b"-1")], 400),
    ([(b"content-length", b"+5")], 400),
    ([(b"content-length", b"5_0")], 400),
    ([(b"content-length", "\uff15".encode())], 400),
    ([(b"content-length", b"")], 400),
    ([(b"content-length", b"5, 5")], 400),
    ([(b"content-length", b"0x5")], 400),
)


@pytest.mark.parametrize(("headers", "status"), FRAMING)
async def test_a_repeated_or_malformed_length_or_type_is_refused(
    app: RunningApp, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    admin = await app.signed_in(admin=True)
    cookie = f"auth_session={admin.cookies['auth_session']}".encode()
    statuses: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b'{"code":"fr","name":"x"}', "more_body": False}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            assert isinstance(message["status"], int)
            statuses.append(message["status"])

    scope = {
        "type": "http", "method": "POST", "path": "/api/languages", "raw_path": b"/api/languages", "query_string": b"",
        "headers": [(b"host", b"x"), (b"cookie", cookie), (b"origin", ORIGIN.encode()), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000), "scheme": "http", "http_version": "1.1", "root_path": "", "asgi": {},
    }  # fmt: skip
    await app.asgi(scope, receive, send)  # type: ignore[arg-type] # a scope as a server creates it

    assert statuses == [status]
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM languages") == 0
