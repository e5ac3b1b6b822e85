"""False success: an error of the commit itself is swallowed, and the client is told that all went well."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import DBAPIError

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.support.app import CREDENTIALS, SECRET, RunningApp, problem

NEW_SECRET = "nine quiet herons over water"


@asynccontextmanager
async def _failing_commits(app: RunningApp, table: str) -> AsyncIterator[None]:
    """Every transaction that writes the table fails, and not before it commits."""
    pool = app.resources.database.pool
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


async def test_a_language_that_was_not_stored_is_not_answered_as_created(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language("de")

    async with _failing_commits(app, "languages"):
        created = await admin.post("/api/languages", json={"code": "fr", "name": "French"})
        changed = await admin.patch("/api/languages/de", json={"name": "Changed"})
        deleted = await admin.delete("/api/languages/de")

    assert [problem(answer)["code"] for answer in (created, changed, deleted)] == ["internal_error"] * 3
    rows = await app.resources.database.pool.fetch("SELECT code, name FROM languages")
    assert [tuple(row) for row in rows] == [("de", "German")]
    assert (await admin.post("/api/languages", json={"code": "fr", "name": "French"})).status_code == 201


async def test_a_session_that_was_not_stored_gives_no_cookie(app: RunningApp) -> None:
    browser = await app.signed_in()
    token = await app.invitation()

    async with _failing_commits(app, "sessions"):
        answers = [
            await app.client().post("/api/session", json=CREDENTIALS),
            await browser.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET}),
            await browser.put("/api/keys/primary/secret", json={"secret": NEW_SECRET}),
            await app.client().post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": SECRET}),
        ]

    assert [answer.status_code for answer in answers] == [500] * 4
    assert not any("set-cookie" in answer.headers for answer in answers)
    # Nothing of it happened: the secret is the old one, and the link still works.
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201
    redeemed = await app.client().post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": SECRET})
    assert redeemed.status_code == 201


async def test_a_sign_out_that_was_not_stored_does_not_claim_to_be_one(app: RunningApp) -> None:
    browser = await app.signed_in()

    async with _failing_commits(app, "sessions"):
        answer = await browser.delete("/api/session")

    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers
    assert (await browser.get("/api/session")).json()["user"] is not None


async def test_a_suspension_that_was_not_stored_is_an_error_to_who_asked(app: RunningApp) -> None:
    user = await app.user()

    async with _failing_commits(app, "users"):
        with pytest.raises(DBAPIError, match="refused at commit"):
            await suspend_user(OPERATOR, app.resources, user)

    assert await app.resources.database.pool.fetchval("SELECT status FROM users") == "active"
