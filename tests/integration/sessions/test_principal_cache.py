"""Sessions in memory: their limits are those of the row, and nothing is notified while they are only used."""

import asyncpg
import pytest

from app.auth.principal import Principal
from app.domain.sessions import principal_cache
from tests.support.app import RunningApp, is_signed_in

LIMITS = "UPDATE sessions SET idle_expires_at = $1"


async def test_past_the_kept_idle_limit_the_row_decides(app: RunningApp) -> None:
    client = await app.signed_in()
    assert await is_signed_in(client)
    session = await app.resources.database.pool.fetchrow("SELECT idle_expires_at, expires_at FROM sessions")
    assert session is not None
    await app.execute(LIMITS, session["expires_at"])  # as another worker extends the session, which nobody hears of
    app.clock.now = session["idle_expires_at"]
    assert await is_signed_in(client)
    app.clock.now = session["expires_at"]
    assert not await is_signed_in(client)


async def test_a_kept_session_ends_at_its_absolute_limit(app: RunningApp) -> None:
    client = await app.signed_in()
    hour = "created_at + interval '1 hour'"
    await app.execute(f"UPDATE sessions SET expires_at = {hour}, idle_expires_at = {hour}")  # noqa: S608 # constants
    assert await is_signed_in(client)
    app.clock.forward(hours=1)
    assert not await is_signed_in(client)


@pytest.mark.parametrize(
    ("statement", "notifies"),
    [
        ("UPDATE users SET last_seen_at = now(), devices_since = now()", False),
        ("UPDATE sessions SET last_seen_at = now(), idle_expires_at = idle_expires_at + interval '1 hour'", False),
        ("UPDATE keys SET last_used_at = now()", False),
        ("UPDATE users SET name = 'Eve'", True),
        ("UPDATE users SET name = name", False),
        ("UPDATE sessions SET idle_expires_at = idle_expires_at - interval '1 hour'", True),
        ("UPDATE keys SET secret_hash = NULL", True),
        ("DELETE FROM sessions", True),
    ],
)
async def test_only_a_change_of_what_is_kept_notifies(app: RunningApp, statement: str, notifies: bool) -> None:
    await app.signed_in()
    heard = list[object]()
    connection = await asyncpg.connect(app.settings.database_url)
    await connection.add_listener("ostiary_changes", lambda *notification: heard.append(notification[3]))
    await connection.execute(statement)
    await connection.fetchval("SELECT 1")
    await connection.close()
    assert bool(heard) is notifies


async def test_an_unknown_token_is_not_kept(app: RunningApp) -> None:
    for _ in range(2):
        assert not await is_signed_in(app.with_cookie("ost_" + "a" * 43))
    client = await app.signed_in()
    assert await is_signed_in(client)


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": '"unknown"'}, {"If-None-Match": "*"}])
async def test_the_kept_answer_is_that_of_the_route(app: RunningApp, headers: dict[str, str]) -> None:
    await app.language("de")
    client = await app.signed_in_member("de", "translator")
    first, again = [await client.get("/api/session", headers=headers) for _ in range(2)]
    varying = ("x-request-id",)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert {name: value for name, value in first.headers.items() if name not in varying} == {
        name: value for name, value in again.headers.items() if name not in varying
    }
    etag = again.headers["etag"]
    for named in (etag, f"W/{etag}", f'"other", {etag}'):
        unchanged = await client.get("/api/session", headers={"If-None-Match": named})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", etag)
    assert (await client.get("/api/session", params={"unknown": "1"})).status_code == 422


async def test_principals_past_those_in_steady_use_are_packed_and_answered_alike(
    app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal_cache, "UNPACKED_MAX", 2)
    clients = [await app.signed_in(f"user{number}@example.org") for number in range(5)]
    first = [(await client.get("/api/session")).json() for client in clients]
    assert len({answer["user"]["id"] for answer in first}) == 5
    for _ in range(2):
        assert [(await client.get("/api/session")).json() for client in clients] == first


async def test_a_principal_in_use_stays_unpacked_before_others(
    monkeypatch: pytest.MonkeyPatch, app: RunningApp
) -> None:
    monkeypatch.setattr(principal_cache, "UNPACKED_MAX", 2)
    steady = await app.signed_in("steady@example.org")
    unpacked = list[bytes]()
    decode = principal_cache._unpack  # counted, not replaced

    def counted(packed: bytes) -> Principal:
        unpacked.append(packed)
        return decode(packed)

    monkeypatch.setattr(principal_cache, "_unpack", counted)
    for number in range(10):
        assert await is_signed_in(steady)
        assert await is_signed_in(await app.signed_in(f"user{number}@example.org"))
    assert not any(b"steady" in packed for packed in unpacked[-5:])
