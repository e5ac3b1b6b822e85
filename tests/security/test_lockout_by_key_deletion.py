"""Account lockout: an attacker with a stolen session deletes the primary key, with which the owner signs in."""

from uuid import UUID

import pytest

from tests.support.app import CREDENTIALS, RunningApp, problem
from tests.support.races import at_once


async def _primary_key_id(app: RunningApp, user: UUID) -> UUID:
    key_id: UUID = await app.resources.database.pool.fetchval(
        "SELECT id FROM keys WHERE user_id = $1 AND kind = 'primary'", user
    )
    return key_id


@pytest.mark.parametrize("admin", [True, False])
async def test_deleting_the_primary_key_is_refused(app: RunningApp, admin: bool) -> None:
    user = await app.user(admin=admin)
    browser = app.with_cookie(await app.token(user, admin=admin))

    answers = await at_once(16, lambda _: _delete(app, browser.cookies["auth_session"], user))

    assert answers == [409] * 16
    assert (
        problem(await browser.delete(f"/api/keys/{await _primary_key_id(app, user)}"))["code"] == "primary_key_required"
    )
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def _delete(app: RunningApp, token: str, user: UUID) -> int:
    return (await app.with_cookie(token).delete(f"/api/keys/{await _primary_key_id(app, user)}")).status_code


@pytest.mark.parametrize("admin", [True, False])
async def test_deleting_the_key_of_another_user_is_refused(app: RunningApp, admin: bool) -> None:
    victim = await app.user()
    attacker = await app.signed_in("mallory@example.org", admin=admin)

    answer = await attacker.delete(f"/api/keys/{await _primary_key_id(app, victim)}")

    assert answer.status_code == 403
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


@pytest.mark.parametrize("id_", ["primary", "me", "*", "0", "00000000-0000-0000-0000-000000000000", "null"])
async def test_no_alias_reaches_the_primary_key(app: RunningApp, id_: str) -> None:
    browser = await app.signed_in()

    assert (await browser.delete(f"/api/keys/{id_}")).status_code in (403, 404, 405)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys") == 1
