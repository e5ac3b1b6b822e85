"""Access after suspension: an earlier session, a known secret or an unused link of a suspended user still works."""

import httpx

from app.audit import OPERATOR
from app.domain.flows.administer_users import restore_user, suspend_user
from app.domain.keys.service import user_id_of_email
from tests.support.app import CREDENTIALS, SECRET, RunningApp


async def test_the_next_request_of_every_session_of_a_suspended_user_is_anonymous(app: RunningApp) -> None:
    user = await app.user()
    browsers = [app.with_cookie(await app.token(user)) for _ in range(3)]
    script = app.client(Authorization=f"Bearer {await app.token(user)}")

    await suspend_user(OPERATOR, app.resources, user)

    for client in (*browsers, script):
        assert (await client.get("/api/session")).json()["user"] is None
        assert (await client.get("/api/languages")).status_code == 401


async def test_a_remaining_session_row_of_a_suspended_user_is_refused(app: RunningApp) -> None:
    browser = await app.signed_in()

    await app.execute("UPDATE users SET status = 'suspended'")

    assert (await browser.get("/api/languages")).status_code == 401


async def test_the_secret_of_a_suspended_user_is_refused(app: RunningApp) -> None:
    await suspend_user(OPERATOR, app.resources, await app.user())

    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_suspending_an_invited_user_voids_the_invitation(app: RunningApp) -> None:
    body = {"token": await app.invitation("eve@example.org"), "name": "Eve", "secret": SECRET}
    eve = await user_id_of_email(app.resources, "eve@example.org")

    await suspend_user(OPERATOR, app.resources, eve)
    while_suspended = await app.client().post("/api/keys/redeem", json=body)
    await restore_user(OPERATOR, app.resources, eve)
    restored = await app.client().post("/api/keys/redeem", json=body)

    assert (while_suspended.status_code, restored.status_code) == (410, 410)


async def test_a_remaining_link_row_of_a_suspended_user_is_refused(app: RunningApp) -> None:
    body = {"token": await app.invitation("eve@example.org"), "name": "Eve", "secret": SECRET}

    await app.execute("UPDATE users SET status = 'suspended'")
    answer = await app.client().post("/api/keys/redeem", json=body)

    assert answer.status_code == 410
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE secret_hash IS NOT NULL") == 0


async def test_a_restored_user_must_sign_in_again(app: RunningApp) -> None:
    user = await app.user()
    before = app.with_cookie(await app.token(user))

    await suspend_user(OPERATOR, app.resources, user)
    await restore_user(OPERATOR, app.resources, user)

    answer: httpx.Response = await before.get("/api/languages")
    assert answer.status_code == 401
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201
