"""A role gained while signed in joins a session that was stolen, or planted, before; a lost one stays."""

from tests.support.app import CREDENTIALS, World
from tests.support.races import at_once


async def test_a_gained_role_ends_every_session_from_before(world: World) -> None:
    user = await world.user()
    browsers = [world.with_cookie(await world.token(user)) for _ in range(3)]

    await world.services.users.grant_admin(user)

    assert {(await browser.get("/api/languages")).status_code for browser in browsers} == {401}
    signed_in = await world.client().post("/api/session", json=CREDENTIALS)
    assert signed_in.json()["user"]["platformRole"] == "admin"
    assert "Max-Age=3600" in signed_in.headers["set-cookie"]


async def test_a_lost_role_is_gone_from_the_next_request_of_every_session(world: World) -> None:
    await world.user("root@example.org", admin=True)
    user = await world.user(admin=True)
    browser = world.with_cookie(await world.token(user, admin=True))
    assert (await browser.post("/api/languages", json={"code": "de", "name": "German"})).status_code == 201

    await world.services.users.revoke_admin(user)

    assert (await browser.post("/api/languages", json={"code": "fr", "name": "French"})).status_code == 403
    assert (await browser.get("/api/session")).json()["user"]["platformRole"] is None


async def test_a_sign_in_beside_the_grant_never_leaves_an_admin_with_a_users_limits(world: World) -> None:
    for _ in range(10):
        await world.services.database.pool.execute("TRUNCATE users CASCADE")
        user = await world.user()

        async def work(number: int) -> None:
            if number == 7:
                await world.services.users.grant_admin(user)  # noqa: B023 # awaited within the round
            else:
                await world.client().post("/api/session", json=CREDENTIALS)

        await at_once(16, work)

        lives = await world.services.database.pool.fetch("SELECT expires_at - created_at AS life FROM sessions")
        limit = world.settings.admin_session_absolute_seconds
        assert all(row["life"].total_seconds() <= limit for row in lives)


async def test_an_admins_sessions_are_short_however_they_began(world: World) -> None:
    body = {"token": await world.setup_token(), "email": "a@example.org", "name": "A", "secret": CREDENTIALS["secret"]}

    answer = await world.client().post("/api/keys/redeem", json=body)

    assert answer.json()["user"]["platformRole"] == "admin"
    assert "Max-Age=3600" in answer.headers["set-cookie"]
    life = await world.services.database.pool.fetchval("SELECT expires_at - created_at FROM sessions")
    assert life.total_seconds() == world.settings.admin_session_absolute_seconds
