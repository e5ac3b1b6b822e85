"""False success: an error of the commit itself is swallowed, and the client is told that all went well."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import DBAPIError

from tests.support.app import CREDENTIALS, SECRET, World, problem

NEW_SECRET = "nine quiet herons over water"


@asynccontextmanager
async def _failing_commits(world: World, table: str) -> AsyncIterator[None]:
    """Every transaction that writes the table fails, and not before it commits."""
    pool = world.services.database.pool
    await pool.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'refused at commit'; END $$"
    )
    await pool.execute(
        f"CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    try:
        yield
    finally:
        await pool.execute("DROP FUNCTION refuse CASCADE")


async def test_a_language_that_was_not_stored_is_not_answered_as_created(world: World) -> None:
    admin = await world.signed_in(admin=True)
    await world.language("de")

    async with _failing_commits(world, "languages"):
        created = await admin.post("/api/languages", json={"code": "fr", "name": "French"})
        changed = await admin.patch("/api/languages/de", json={"name": "Changed"})
        deleted = await admin.delete("/api/languages/de")

    assert [problem(answer)["code"] for answer in (created, changed, deleted)] == ["internal_error"] * 3
    rows = await world.services.database.pool.fetch("SELECT code, name FROM languages")
    assert [tuple(row) for row in rows] == [("de", "German")]
    assert (await admin.post("/api/languages", json={"code": "fr", "name": "French"})).status_code == 201


async def test_a_session_that_was_not_stored_gives_no_cookie(world: World) -> None:
    browser = await world.signed_in()
    token = await world.invitation()

    async with _failing_commits(world, "sessions"):
        answers = [
            await world.client().post("/api/session", json=CREDENTIALS),
            await browser.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET}),
            await browser.put("/api/keys/primary/secret", json={"secret": NEW_SECRET}),
            await world.client().post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": SECRET}),
        ]

    assert [answer.status_code for answer in answers] == [500] * 4
    assert not any("set-cookie" in answer.headers for answer in answers)
    # Nothing of it happened: the secret is the old one, and the link still works.
    assert (await world.client().post("/api/session", json=CREDENTIALS)).status_code == 201
    redeemed = await world.client().post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": SECRET})
    assert redeemed.status_code == 201


async def test_a_sign_out_that_was_not_stored_does_not_claim_to_be_one(world: World) -> None:
    browser = await world.signed_in()

    async with _failing_commits(world, "sessions"):
        answer = await browser.delete("/api/session")

    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers
    assert (await browser.get("/api/session")).json()["user"] is not None


async def test_a_suspension_that_was_not_stored_is_an_error_to_who_asked(world: World) -> None:
    user = await world.user()

    async with _failing_commits(world, "users"):
        with pytest.raises(DBAPIError, match="refused at commit"):
            await world.services.users.suspend(user)

    assert await world.services.database.pool.fetchval("SELECT status FROM users") == "active"
