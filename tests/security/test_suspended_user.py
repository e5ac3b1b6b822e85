"""The suspended user: an old session, a known secret or an unused link is still a way in."""

import httpx

from tests.support.app import CREDENTIALS, SECRET, World


async def test_the_next_request_of_every_session_is_anonymous(world: World) -> None:
    user = await world.user()
    browsers = [world.with_cookie(await world.token(user)) for _ in range(3)]
    script = world.client(Authorization=f"Bearer {await world.token(user)}")

    await world.services.users.suspend(user)

    for client in (*browsers, script):
        assert (await client.get("/api/session")).json()["user"] is None
        assert (await client.get("/api/languages")).status_code == 401


async def test_a_session_row_that_was_left_behind_is_no_way_in_either(world: World) -> None:
    browser = await world.signed_in()

    await world.services.database.pool.execute("UPDATE users SET status = 'suspended'")

    assert (await browser.get("/api/languages")).status_code == 401


async def test_the_right_secret_signs_in_no_more(world: World) -> None:
    await world.services.users.suspend(await world.user())

    assert (await world.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_an_invitation_that_is_out_is_void(world: World) -> None:
    body = {"token": await world.invitation("eve@example.org"), "name": "Eve", "secret": SECRET}
    eve = await world.services.keys.find_user("eve@example.org")

    await world.services.users.suspend(eve)
    while_suspended = await world.client().post("/api/keys/redeem", json=body)
    await world.services.users.restore(eve)
    restored = await world.client().post("/api/keys/redeem", json=body)

    assert (while_suspended.status_code, restored.status_code) == (410, 410)


async def test_a_link_row_that_was_left_behind_is_not_usable(world: World) -> None:
    body = {"token": await world.invitation("eve@example.org"), "name": "Eve", "secret": SECRET}

    await world.services.database.pool.execute("UPDATE users SET status = 'suspended'")
    answer = await world.client().post("/api/keys/redeem", json=body)

    assert answer.status_code == 410
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM keys WHERE secret_hash IS NOT NULL") == 0


async def test_after_the_suspension_only_a_new_sign_in_helps(world: World) -> None:
    user = await world.user()
    before = world.with_cookie(await world.token(user))

    await world.services.users.suspend(user)
    await world.services.users.restore(user)

    old: httpx.Response = await before.get("/api/languages")
    assert old.status_code == 401
    assert (await world.client().post("/api/session", json=CREDENTIALS)).status_code == 201
