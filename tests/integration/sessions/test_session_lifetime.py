"""The lifetime of a session: idle and absolute expiry, the hourly extension, step-up and re-authentication."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPICursor

from tests.support.app import CREDENTIALS, SECRET, Clock, RunningApp, is_signed_in, problem, running, settings_for

IDLE, ABSOLUTE = timedelta(days=14), timedelta(days=30)
ADMIN_IDLE, ADMIN_ABSOLUTE = timedelta(hours=1), timedelta(days=1)
REAUTHENTICATION = {"method": "password", "secret": SECRET}


async def times_in_database(app: RunningApp) -> tuple[datetime, datetime]:
    """`last_seen_at` and `idle_expires_at` of the only session."""
    row = await app.resources.database.pool.fetchrow("SELECT last_seen_at, idle_expires_at FROM sessions")
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize(("admin", "limit"), [(False, IDLE), (True, ADMIN_IDLE)])
async def test_a_session_expires_at_its_idle_limit(app: RunningApp, admin: bool, limit: timedelta) -> None:
    user_id = await app.user(admin=admin)
    early, late = [app.with_cookie(await app.token(user_id, admin=admin)) for _ in range(2)]
    app.clock.now += limit - timedelta(seconds=1)
    assert await is_signed_in(early)
    app.clock.forward(seconds=1)
    assert not await is_signed_in(late)


@pytest.mark.parametrize(
    ("admin", "limit", "step"),
    [(False, ABSOLUTE, timedelta(days=10)), (True, ADMIN_ABSOLUTE, timedelta(minutes=45))],
)
async def test_a_session_in_use_expires_at_its_absolute_limit(
    app: RunningApp, admin: bool, limit: timedelta, step: timedelta
) -> None:
    client = await app.signed_in(admin=admin)
    end = app.clock() + limit
    while app.clock() + step < end:
        app.clock.now += step
        assert await is_signed_in(client)
        await app.sessions.flush()
    app.clock.now = end - timedelta(seconds=1)
    assert await is_signed_in(client)
    app.clock.forward(seconds=1)
    assert not await is_signed_in(client)


async def test_a_session_in_use_is_extended_hourly(app: RunningApp) -> None:
    client = await app.signed_in()
    started = await times_in_database(app)
    app.clock.forward(minutes=59)
    await client.get("/api/session")
    await app.sessions.flush()
    assert await times_in_database(app) == started
    app.clock.forward(minutes=1)
    await client.get("/api/session")
    await app.sessions.flush()
    assert await times_in_database(app) == (app.clock(), app.clock() + IDLE)

    extended = app.clock()
    app.clock.forward(minutes=59)
    await client.get("/api/session")
    await app.sessions.flush()
    assert await times_in_database(app) == (extended, extended + IDLE)


async def test_a_session_with_an_idle_limit_of_1_hour_is_extended_after_15_minutes(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    app.clock.forward(minutes=15)
    await admin.get("/api/session")
    await app.sessions.flush()
    assert await times_in_database(app) == (app.clock(), app.clock() + ADMIN_IDLE)


@pytest.mark.parametrize(("admin", "limit"), [(False, ABSOLUTE), (True, ADMIN_ABSOLUTE)])
async def test_the_cookie_stays_until_the_absolute_limit_and_is_not_sent_again(
    app: RunningApp, admin: bool, limit: timedelta
) -> None:
    await app.user(admin=admin)
    client = app.client()
    sent, _ = (await client.post("/api/session", json=CREDENTIALS)).headers.get_list("set-cookie")
    assert f"; Max-Age={int(limit.total_seconds())}; " in sent
    app.clock.forward(minutes=30)
    renewed, _ = (await client.post("/api/session/reauthentication", json=REAUTHENTICATION)).headers.get_list(
        "set-cookie"
    )
    assert f"; Max-Age={int(limit.total_seconds())}; " in renewed
    app.clock.forward(minutes=59)
    assert "set-cookie" not in (await client.get("/api/session")).headers


async def test_the_extension_is_written_after_the_answer(app: RunningApp) -> None:
    client = await app.signed_in()
    app.clock.forward(hours=2)
    before = await times_in_database(app)
    async with app.resources.database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT id FROM sessions FOR UPDATE")
        async with asyncio.timeout(5):
            assert await is_signed_in(client)
        assert await times_in_database(app) == before
    await app.sessions.flush()
    assert (await times_in_database(app))[0] == app.clock()


async def test_concurrent_requests_write_one_extension(app: RunningApp) -> None:
    client, updated_rows = await app.signed_in(), list[int]()

    def note(_: object, cursor: DBAPICursor, statement: str, *__: object) -> None:
        if statement.startswith("UPDATE sessions"):
            updated_rows.append(cursor.rowcount)

    engine = app.resources.database.engine.sync_engine
    event.listen(engine, "after_cursor_execute", note)
    try:
        app.clock.forward(hours=2)
        await asyncio.gather(*[client.get("/api/session") for _ in range(8)])
        await app.sessions.flush()
    finally:
        event.remove(engine, "after_cursor_execute", note)
    assert len(updated_rows) > 1
    assert sum(updated_rows) == 1


async def test_a_failed_extension_leaves_the_session_live_and_is_retried(app: RunningApp, database_url: str) -> None:
    token = await app.token(await app.user())
    clock, pool = Clock(), app.resources.database.pool
    clock.forward(hours=2)
    async with running(settings_for(database_url), clock) as other:
        client = other.with_cookie(token)
        await pool.execute("ALTER TABLE sessions ADD CONSTRAINT read_only CHECK (false) NOT VALID")
        try:
            assert await is_signed_in(client)
            await other.sessions.flush()
        finally:
            await pool.execute("ALTER TABLE sessions DROP CONSTRAINT read_only")
        assert await is_signed_in(client)
        await other.sessions.flush()
        assert (await times_in_database(app))[0] == clock()


async def test_the_extension_of_a_sign_out_request_does_not_undo_the_sign_out(app: RunningApp) -> None:
    client = await app.signed_in()
    app.clock.forward(hours=2)
    response = await client.delete("/api/session")
    assert response.headers.get_list("set-cookie") == [
        "auth_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
    ]
    await app.sessions.flush()
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_sensitive_action_requires_authentication_within_15_minutes(app: RunningApp) -> None:
    client = await app.signed_in()
    app.clock.forward(minutes=15, seconds=1)
    new = {"secret": "nine gulls above the north pier"}
    assert problem(await client.put("/api/keys/primary/secret", json=new))["code"] == "reauthentication_required"
    assert (await client.post("/api/session/reauthentication", json=REAUTHENTICATION)).status_code == 200
    app.clock.forward(minutes=15)
    assert (await client.put("/api/keys/primary/secret", json=new)).status_code == 204


async def test_reauthentication_replaces_the_token_of_the_session(app: RunningApp) -> None:
    client = await app.signed_in()
    old = client.cookies["auth_session"]
    before = (await client.get("/api/session")).json()["session"]
    app.clock.forward(minutes=20)
    after = (await client.post("/api/session/reauthentication", json=REAUTHENTICATION)).json()["session"]
    assert after["id"] == before["id"]
    assert datetime.fromisoformat(after["authenticatedAt"]) == app.clock()
    assert client.cookies["auth_session"] != old
    assert await is_signed_in(client)
    app.clock.forward(seconds=10)
    assert not await is_signed_in(app.with_cookie(old))


async def test_a_wrong_secret_at_reauthentication_does_not_change_the_session(app: RunningApp) -> None:
    client = await app.signed_in()
    wrong = await client.post("/api/session/reauthentication", json={**REAUTHENTICATION, "secret": f"{SECRET}!"})
    assert problem(wrong)["code"] == "invalid_credentials"
    assert "set-cookie" not in wrong.headers
    assert await is_signed_in(client)


async def test_one_of_6_concurrent_reauthentications_with_the_same_token_succeeds(app: RunningApp) -> None:
    token = await app.token(await app.user())
    clients = [app.client(Authorization=f"Bearer {token}") for _ in range(6)]
    answers = await asyncio.gather(
        *[client.post("/api/session/reauthentication", json=REAUTHENTICATION) for client in clients],
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]
    assert {problem(answer)["code"] for answer in answers if answer.status_code == 401} == {"session_replaced"}
