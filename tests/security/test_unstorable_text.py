"""Server error by unstorable text: a string holds a NUL or an unpaired surrogate, which PostgreSQL cannot store."""

import json

import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors

UNSTORABLE = ("\\u0000", "a\\u0000b", "\\ud800", "a\\udfffb", "\\ud83d", "\\ude00\\ud83d", "\\uD800\\u0000")


def _with(body: dict[str, str], field: str, escape: str) -> bytes:
    return json.dumps({**body, field: "@@"}).replace("@@", escape).encode()


@pytest.mark.parametrize("escape", UNSTORABLE)
async def test_unstorable_text_in_any_string_of_a_body_is_answered_422_with_its_field(
    app: RunningApp, escape: str
) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()
    redemption = {"token": await app.invitation(), "email": "eve@example.org", "name": "Eve", "secret": SECRET}
    requests: list[tuple[str, str, dict[str, str]]] = [
        ("POST", "/api/session", CREDENTIALS),
        ("POST", "/api/session/reauthentication", {"method": "password", "secret": SECRET}),
        ("POST", "/api/keys/redeem", redemption),
        ("PUT", "/api/keys/primary/secret", {"secret": SECRET}),
        ("POST", "/api/languages", {"code": "fr", "name": "x", "autonym": "x", "textDirection": "ltr"}),
        ("PATCH", "/api/languages/de", {"name": "x", "autonym": "x", "textDirection": "ltr"}),
    ]

    for method, path, body in requests:
        for field in body:
            answer = await admin.request(
                method, path, content=_with(body, field, escape), headers={"Content-Type": "application/json"}
            )
            assert list(field_errors(answer)) == [field], (path, field)


@pytest.mark.parametrize("escape", UNSTORABLE)
async def test_unstorable_text_in_the_name_of_a_field_is_answered_422(app: RunningApp, escape: str) -> None:
    body = json.dumps({**CREDENTIALS, "@@": "x"}).replace("@@", escape).encode()

    answer = await app.client().post("/api/session", content=body, headers={"Content-Type": "application/json"})

    assert "unknown_field" in field_errors(answer).values()


@pytest.mark.parametrize("raw", [b'"\x00"', b'"\xed\xa0\x80"', b'"\xff"', b'"\xc0\x80"', b'"\xf8\x88\x80\x80\x80"'])
async def test_bytes_that_are_not_utf8_are_answered_400(app: RunningApp, raw: bytes) -> None:
    body = b'{"method": "password", "email": "ada@example.org", "secret": ' + raw + b"}"

    answer = await app.client().post("/api/session", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/api/languages/%00", "/api/languages/a%00b", "/api/languages/%ED%A0%80", "/api/languages/%FF",
        "/api/languages/%C0%80", "/api/languages?cursor=%00", "/api/languages?limit=%00", "/api/languages?%00=1",
        "/api/languages?cursor=%ED%A0%80", "/api/languages?cursor=AGEA", "/api/sessions?cursor=AGEA", "/%00",
        "/api/%00", "/api/keys?cursor=7aCA",
    ],
)  # fmt: skip
async def test_unstorable_text_in_a_path_or_query_causes_no_server_error(app: RunningApp, path: str) -> None:
    admin = await app.signed_in(admin=True)

    answer = await admin.get(path)

    assert answer.status_code in (200, 400, 404, 422)


@pytest.mark.parametrize("agent", [b"\xff\xfe", b"\xed\xa0\x80", "\u0085\u2028".encode(), b"x" * 60_000, b"\x7f"])
async def test_unstorable_text_in_the_user_agent_does_not_prevent_a_sign_in(app: RunningApp, agent: bytes) -> None:
    await app.user()

    answer = await app.client().post("/api/session", json=CREDENTIALS, headers=[(b"User-Agent", agent)])

    assert answer.status_code == 201
    stored = await app.resources.database.pool.fetchval("SELECT user_agent FROM sessions")
    assert len(stored) <= 400
