"""How long a session lives: expiry to the second, the hourly extension, step-up and re-authentication."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPICursor

from tests.support.app import SECRET, Clock, World, is_signed_in, problem, running, settings_for

IDLE, ABSOLUTE = timedelta(days=14), timedelta(days=30)
ADMIN_IDLE, ADMIN_ABSOLUTE = timedelta(hours=1), timedelta(days=1)
PROOF = {"method": "password", "secret": SECRET}


async def times_in_database(world: World) -> tuple[datetime, datetime]:
    """When the one session was last seen, and when it becomes idle."""
    row = await world.services.database.pool.fetchrow("SELECT last_seen_at, idle_expires_at FROM sessions")
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize(("admin", "limit"), [(False, IDLE), (True, ADMIN_IDLE)])
async def test_an_idle_session_ends_exactly_at_its_limit(world: World, admin: bool, limit: timedelta) -> None:
    user_id = await world.user(admin=admin)
    early, late = [world.with_cookie(await world.token(user_id, admin=admin)) for _ in range(2)]
    world.clock.now += limit - timedelta(seconds=1)
    assert await is_signed_in(early)
    world.clock.forward(seconds=1)
    assert not await is_signed_in(late)


@pytest.mark.parametrize(
    ("admin", "limit", "step"),
    [(False, ABSOLUTE, timedelta(days=10)), (True, ADMIN_ABSOLUTE, timedelta(minutes=45))],
)
async def test_a_session_in_steady_use_ends_exactly_at_its_absolute_limit(
    world: World, admin: bool, limit: timedelta, step: timedelta
) -> None:
    client = await world.signed_in(admin=admin)
    end = world.clock() + limit
    while world.clock() + step < end:
        world.clock.now += step
        assert await is_signed_in(client)
        await world.services.sessions.settle()
    world.clock.now = end - timedelta(seconds=1)
    assert await is_signed_in(client)
    world.clock.forward(seconds=1)
    assert not await is_signed_in(client)


async def test_a_session_in_use_is_extended_hourly_and_its_cookie_sent_again(world: World) -> None:
    client = await world.signed_in()
    token = client.cookies["auth_session"]
    world.clock.forward(minutes=59)
    assert "set-cookie" not in (await client.get("/api/session")).headers
    world.clock.forward(minutes=1)
    response = await client.get("/api/session")
    assert response.headers["set-cookie"].startswith(f"auth_session={token}; Max-Age=1209600; ")
    await world.services.sessions.settle()
    assert await times_in_database(world) == (world.clock(), world.clock() + IDLE)

    extended = world.clock()
    world.clock.forward(minutes=59)
    assert "set-cookie" not in (await client.get("/api/session")).headers
    await world.services.sessions.settle()
    assert await times_in_database(world) == (extended, extended + IDLE)


async def test_a_short_idle_limit_is_extended_more_often_than_hourly(world: World) -> None:
    admin = await world.signed_in(admin=True)
    world.clock.forward(minutes=15)
    assert "Max-Age=3600;" in (await admin.get("/api/session")).headers["set-cookie"]


async def test_the_cookie_never_outlives_the_absolute_limit(world: World) -> None:
    client = await world.signed_in()
    world.clock.forward(days=13)
    await client.get("/api/session")
    await world.services.sessions.settle()
    world.clock.forward(days=13)
    left = int(timedelta(days=4).total_seconds())
    assert f"Max-Age={left};" in (await client.get("/api/session")).headers["set-cookie"]


async def test_the_extension_is_written_after_the_answer(world: World) -> None:
    client = await world.signed_in()
    world.clock.forward(hours=2)
    before = await times_in_database(world)
    async with world.services.database.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT id FROM sessions FOR UPDATE")
        async with asyncio.timeout(5):
            assert "set-cookie" in (await client.get("/api/session")).headers
        assert await times_in_database(world) == before
    await world.services.sessions.settle()
    assert (await times_in_database(world))[0] == world.clock()


async def test_requests_side_by_side_write_one_extension(world: World) -> None:
    client, written = await world.signed_in(), list[int]()

    def note(_: object, cursor: DBAPICursor, statement: str, *__: object) -> None:
        if statement.startswith("UPDATE sessions"):
            written.append(cursor.rowcount)

    engine = world.services.database.engine.sync_engine
    event.listen(engine, "after_cursor_execute", note)
    try:
        world.clock.forward(hours=2)
        await asyncio.gather(*[client.get("/api/session") for _ in range(8)])
        await world.services.sessions.settle()
    finally:
        event.remove(engine, "after_cursor_execute", note)
    assert len(written) > 1
    assert sum(written) == 1


async def test_a_failed_extension_spoils_nothing_and_is_tried_again(world: World, database_url: str) -> None:
    token = await world.token(await world.user())
    clock, pool = Clock(), world.services.database.pool
    clock.forward(hours=2)
    async with running(settings_for(database_url), clock) as other:
        client = other.with_cookie(token)
        await pool.execute("ALTER TABLE sessions ADD CONSTRAINT read_only CHECK (false) NOT VALID")
        try:
            assert await is_signed_in(client)
            await other.services.sessions.settle()
        finally:
            await pool.execute("ALTER TABLE sessions DROP CONSTRAINT read_only")
        assert "set-cookie" in (await client.get("/api/session")).headers
        await other.services.sessions.settle()
        assert (await times_in_database(world))[0] == clock()


async def test_signing_out_is_not_undone_by_the_extension_of_the_same_request(world: World) -> None:
    client = await world.signed_in()
    world.clock.forward(hours=2)
    response = await client.delete("/api/session")
    assert response.headers.get_list("set-cookie") == [
        "auth_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
    ]
    await world.services.sessions.settle()
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_sensitive_action_needs_a_proof_of_the_last_fifteen_minutes(world: World) -> None:
    client = await world.signed_in()
    world.clock.forward(minutes=15, seconds=1)
    new = {"secret": "nine gulls above the north pier"}
    assert problem(await client.put("/api/keys/primary/secret", json=new))["code"] == "reauthentication_required"
    assert (await client.post("/api/session/reauthentication", json=PROOF)).status_code == 200
    world.clock.forward(minutes=15)
    assert (await client.put("/api/keys/primary/secret", json=new)).status_code == 204


async def test_reauthentication_gives_the_session_a_new_token_and_the_old_one_is_dead(world: World) -> None:
    client = await world.signed_in()
    old = client.cookies["auth_session"]
    before = (await client.get("/api/session")).json()["session"]
    world.clock.forward(minutes=20)
    after = (await client.post("/api/session/reauthentication", json=PROOF)).json()["session"]
    assert after["id"] == before["id"]
    assert datetime.fromisoformat(after["authenticatedAt"]) == world.clock()
    assert client.cookies["auth_session"] != old
    assert await is_signed_in(client)
    assert not await is_signed_in(world.with_cookie(old))


async def test_a_wrong_secret_at_reauthentication_leaves_the_session_as_it_is(world: World) -> None:
    client = await world.signed_in()
    wrong = await client.post("/api/session/reauthentication", json={**PROOF, "secret": f"{SECRET}!"})
    assert problem(wrong)["code"] == "invalid_credentials"
    assert "set-cookie" not in wrong.headers
    assert await is_signed_in(client)


async def test_of_reauthentications_with_one_token_exactly_one_wins(world: World) -> None:
    token = await world.token(await world.user())
    clients = [world.client(Authorization=f"Bearer {token}") for _ in range(6)]
    answers = await asyncio.gather(
        *[client.post("/api/session/reauthentication", json=PROOF) for client in clients],
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]
    assert {problem(answer)["code"] for answer in answers if answer.status_code == 401} == {"not_signed_in"}
