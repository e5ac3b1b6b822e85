"""False success: the error of a failed commit is swallowed, and the client receives a success status."""

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
    """Make every transaction that writes the table fail at its commit."""
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


async def test_a_failed_commit_of_a_language_is_answered_500(app: RunningApp) -> None:
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


async def test_a_failed_commit_of_a_session_sets_no_cookie(app: RunningApp) -> None:
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
    # Everything was rolled back: the old secret still signs in, and the link can still be redeemed.
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201
    redeemed = await app.client().post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": SECRET})
    assert redeemed.status_code == 201


async def test_a_failed_commit_of_a_sign_out_is_answered_500(app: RunningApp) -> None:
    browser = await app.signed_in()

    async with _failing_commits(app, "sessions"):
        answer = await browser.delete("/api/session")

    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers
    assert (await browser.get("/api/session")).json()["user"] is not None


async def test_a_failed_commit_of_a_suspension_raises_an_error(app: RunningApp) -> None:
    user = await app.user()

    async with _failing_commits(app, "users"):
        with pytest.raises(DBAPIError, match="refused at commit"):
            await suspend_user(OPERATOR, app.resources, user)

    assert await app.resources.database.pool.fetchval("SELECT status FROM users") == "active"
