"""Orphaned rows: an account creation that fails half-way leaves a user without a key, or a key without a user."""

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import create_user_with_link
from app.errors import Problem
from tests.support.app import SECRET, RunningApp
from tests.support.races import at_once

CONCURRENT = 16
ORPHANS = """
SELECT (SELECT count(*) FROM users u WHERE NOT EXISTS (SELECT FROM keys k WHERE k.user_id = u.id AND kind = 'primary'))
     + (SELECT count(*) FROM keys WHERE kind = 'primary' AND user_id IS NULL)
"""


async def _create(app: RunningApp, email: str) -> bool:
    try:
        await create_user_with_link(OPERATOR, app.resources, email, "", None)
    except Problem as problem:
        if problem.code != "email_taken":
            raise
        return False
    return True


async def test_creating_a_user_with_a_taken_address_stores_no_user(app: RunningApp) -> None:
    await app.user()

    assert not await _create(app, "ADA@example.org")

    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 1
    assert await app.resources.database.pool.fetchval(ORPHANS) == 0


async def test_exactly_one_of_concurrent_creations_with_one_address_succeeds(app: RunningApp) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users, keys CASCADE")
        spellings = ["ada@example.org", "Ada@Example.ORG", " ada@example.org "]

        created = await at_once(CONCURRENT, lambda number: _create(app, spellings[number % 3]))  # noqa: B023

        assert created.count(True) == 1
        pool = app.resources.database.pool
        assert await pool.fetchval("SELECT count(*) FROM users") == 1
        assert await pool.fetchval("SELECT count(*) FROM keys") == 2
        assert await pool.fetchval(ORPHANS) == 0


async def test_a_setup_link_redeemed_with_a_taken_address_stays_usable(app: RunningApp) -> None:
    await app.user()
    body = {"token": await app.setup_token(), "name": "Ada", "secret": SECRET}

    taken = await app.client().post("/api/keys/redeem", json={**body, "email": "ada@example.org"})
    free = await app.client().post("/api/keys/redeem", json={**body, "email": "eve@example.org"})

    assert (taken.status_code, free.status_code) == (409, 201)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 2
    assert await app.resources.database.pool.fetchval(ORPHANS) == 0


async def test_the_database_refuses_a_second_primary_key_and_a_primary_key_without_a_user(app: RunningApp) -> None:
    user = await app.user()
    columns = "INSERT INTO keys (id, user_id, kind, provider, identifier, created_at) VALUES (gen_random_uuid(), "

    for values in ("$1, 'primary', 'email', 'other@example.org', $2)", "NULL, 'primary', 'email', $1::text, $2)"):
        with pytest.raises(Exception, match=r"violates (unique|check) constraint"):
            await app.resources.database.pool.execute(columns + values, user if "$1," in values else "x", app.clock())


async def test_deleting_a_user_deletes_their_keys_and_sessions(app: RunningApp) -> None:
    browser = await app.signed_in()

    await app.execute("DELETE FROM users")

    assert (await browser.get("/api/session")).json()["user"] is None
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys") == 0
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0
