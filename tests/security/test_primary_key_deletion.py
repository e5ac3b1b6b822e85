"""Locking the owner out: who has taken a session over deletes the primary key, the owner's way in."""

from uuid import UUID

import pytest

from tests.support.app import CREDENTIALS, RunningApp, problem
from tests.support.races import at_once


async def _primary(app: RunningApp, user: UUID) -> UUID:
    found: UUID = await app.resources.database.pool.fetchval(
        "SELECT id FROM keys WHERE user_id = $1 AND kind = 'primary'", user
    )
    return found


@pytest.mark.parametrize("admin", [True, False])
async def test_the_primary_key_stays_and_says_so(app: RunningApp, admin: bool) -> None:
    user = await app.user(admin=admin)
    browser = app.with_cookie(await app.token(user, admin=admin))

    answers = await at_once(16, lambda _: _delete(app, browser.cookies["auth_session"], user))

    assert answers == [409] * 16
    assert problem(await browser.delete(f"/api/keys/{await _primary(app, user)}"))["code"] == "primary_key_required"
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def _delete(app: RunningApp, token: str, user: UUID) -> int:
    return (await app.with_cookie(token).delete(f"/api/keys/{await _primary(app, user)}")).status_code


@pytest.mark.parametrize("admin", [True, False])
async def test_nobody_deletes_the_key_of_another(app: RunningApp, admin: bool) -> None:
    victim = await app.user()
    thief = await app.signed_in("mallory@example.org", admin=admin)

    answer = await thief.delete(f"/api/keys/{await _primary(app, victim)}")

    assert answer.status_code == (404 if admin else 403)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


@pytest.mark.parametrize("id_", ["primary", "me", "*", "0", "00000000-0000-0000-0000-000000000000", "null"])
async def test_no_other_name_reaches_the_primary_key(app: RunningApp, id_: str) -> None:
    browser = await app.signed_in()

    assert (await browser.delete(f"/api/keys/{id_}")).status_code in (403, 404, 405)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys") == 1
