"""Privilege escalation of a stolen session: a session from before a role change gains the role or keeps a lost role."""

from app.audit import OPERATOR
from app.domain.flows.administer_users import set_platform_role
from tests.support.app import CREDENTIALS, RunningApp
from tests.support.races import at_once


async def test_granting_the_platform_role_ends_every_earlier_session(app: RunningApp) -> None:
    user = await app.user()
    browsers = [app.with_cookie(await app.token(user)) for _ in range(3)]

    await set_platform_role(OPERATOR, app.resources, user, "admin")

    assert {(await browser.get("/api/languages")).status_code for browser in browsers} == {401}
    signed_in = await app.client().post("/api/session", json=CREDENTIALS)
    assert signed_in.json()["user"]["platformRole"] == "admin"
    assert "Max-Age=86400" in signed_in.headers["set-cookie"]


async def test_a_revoked_platform_role_has_no_effect_from_the_next_request(app: RunningApp) -> None:
    await app.user("root@example.org", admin=True)
    user = await app.user(admin=True)
    browser = app.with_cookie(await app.token(user, admin=True))
    assert (await browser.post("/api/languages", json={"code": "de", "name": "German"})).status_code == 201

    await set_platform_role(OPERATOR, app.resources, user, None)

    assert (await browser.post("/api/languages", json={"code": "fr", "name": "French"})).status_code == 403
    assert (await browser.get("/api/session")).json()["user"]["platformRole"] is None


async def test_a_sign_in_beside_the_grant_never_gets_the_longer_lifetime_of_users(app: RunningApp) -> None:
    for _ in range(10):
        await app.resources.database.pool.execute("TRUNCATE users CASCADE")
        user = await app.user()

        async def grant_or_sign_in(number: int) -> None:
            if number == 7:
                await set_platform_role(OPERATOR, app.resources, user, "admin")  # noqa: B023 # awaited within the round
            else:
                await app.client().post("/api/session", json=CREDENTIALS)

        await at_once(16, grant_or_sign_in)

        lifetimes = await app.resources.database.pool.fetch("SELECT expires_at - created_at AS life FROM sessions")
        limit = app.settings.admin_session_absolute_seconds
        assert all(row["life"].total_seconds() <= limit for row in lifetimes)


async def test_a_session_from_the_setup_link_has_the_lifetime_of_admins(app: RunningApp) -> None:
    body = {"token": await app.setup_token(), "email": "a@example.org", "name": "A", "secret": CREDENTIALS["secret"]}

    answer = await app.client().post("/api/keys/redeem", json=body)

    assert answer.json()["user"]["platformRole"] == "admin"
    assert "Max-Age=86400" in answer.headers["set-cookie"]
    life = await app.resources.database.pool.fetchval("SELECT expires_at - created_at FROM sessions")
    assert life.total_seconds() == app.settings.admin_session_absolute_seconds
