"""Server error by unstorable text: PostgreSQL cannot store or compare the text of a query parameter or ETag."""

from base64 import urlsafe_b64encode

import httpx
import pytest

from tests.support.app import RunningApp

LISTS = (
    "/api/users", "/api/languages", "/api/languages/de/members", "/api/languages/de/translations",
    "/api/languages/de/translations/a/history", "/api/sessions", "/api/keys",
)  # fmt: skip
PARAMETERS = ("search", "status", "role", "prefix", "state", "updatedAfter", "limit", "cursor")
RAW = (
    "%00", "a%00b", "%ED%A0%80", "%ED%B0%80", "%FF", "%C0%80", "%F4%90%80%80", "%EF%BF%BF", "%F0%9F%90%91", "%0A",
    "%1B", "%25", "%5C", "_", "'", "%27%3B--", "%22", "%7B%7D", "%2B", "%E2%80%AE", "%CC%81" * 60, "a" * 3000, "",
    "null", "NaN",
)  # fmt: skip
CURSORS = (
    b"\0", b"a\0", b"\xff", b"\xed\xa0\x80", "\U0010ffff".encode(), b"'", b"%", b"-1", b"0", b"1e3",
    b"99999999999999999999",
    "\u0661".encode(), b"2147483647", b"2147483648", b"9" * 290,
    b"00000000-0000-0000-0000-000000000000",
    b"ffffffff-ffff-ffff-ffff-ffffffffffff", b"{01890000-0000-7000-8000-000000000000}", b" ", b"\n",
)  # fmt: skip
TIMES = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "0001-01-01T00:00:00-14:00", "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59%2B23:59", "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-06-01T24:00:00Z", "2026-06-01T23:59:60Z", "2026-06-01",
    "2026-06-01T12:00:00", "2026-06-01T12:00:00+00:00", "2026-06-01T12:00:00.123456789Z", "inf", "-inf", "nan", "0",
    "-1",     "1e400", "1e18", "-62135596800", "-62135596801", "253402300799", "253402300800", "infinity", "now",
)  # fmt: skip


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin who is also a translator, so that no guard refuses a request before its input is used."""
    await app.language("de")
    root = await app.user("root@example.org", admin=True)
    await app.member(root, "de", "translator")
    client = app.with_cookie(await app.token(root, admin=True))
    await client.put("/api/languages/de/translations/a", json={"text": "x"}, headers={"If-None-Match": "*"})
    return client


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("path", LISTS)
async def test_no_text_in_a_parameter_of_a_list_causes_a_server_error(
    admin: httpx.AsyncClient, path: str, parameter: str
) -> None:
    for raw in RAW:
        answer = await admin.get(f"{path}?{parameter}={raw}")
        assert answer.status_code in (200, 400, 422), (raw, answer.text)


@pytest.mark.parametrize("path", LISTS)
async def test_no_forged_cursor_causes_a_server_error(admin: httpx.AsyncClient, path: str) -> None:
    for cursor in CURSORS:
        encoded = urlsafe_b64encode(cursor).decode().rstrip("=")
        answer = await admin.get(path, params={"cursor": encoded})
        assert answer.status_code in (200, 422), (cursor, answer.text)


async def test_no_time_causes_a_server_error(admin: httpx.AsyncClient) -> None:
    for time in TIMES:
        answer = await admin.get(f"/api/languages/de/translations?updatedAfter={time}")
        assert answer.status_code in (200, 422), (time, answer.text)


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
async def test_no_entity_tag_causes_a_server_error(admin: httpx.AsyncClient, name: str) -> None:
    for value in (
        b"\xff",
        b'"\xed\xa0\x80"',
        b'"1',
        b'""',
        b"W/",
        b'"' + b"9" * 5000 + b'"',
        b'"1"\t',
        b",",
        b'"0x1"',
        b'" 1"',
    ):
        for method in ("PUT", "DELETE"):
            body = {"text": "x"} if method == "PUT" else None
            answer = await admin.request(
                method, "/api/languages/de/translations/b", json=body, headers=[(name.encode(), value)]
            )
            assert answer.status_code in (412, 422, 428), (value, answer.text)
