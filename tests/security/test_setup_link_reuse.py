"""The setup link: used twice, after there is an admin, or after another one was printed, it makes another admin."""

from app.audit import OPERATOR
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.flows.administer_users import set_platform_role
from tests.support.app import CREDENTIALS, SECRET, RunningApp
from tests.support.races import at_once


async def _redeem(app: RunningApp, token: str, email: str) -> int:
    body = {"token": token, "email": email, "name": "Ada", "secret": SECRET}
    async with app.client() as client:
        return (await client.post("/api/keys/redeem", json=body)).status_code


async def _admins(app: RunningApp) -> int:
    count: int = await app.resources.database.pool.fetchval("SELECT count(*) FROM users WHERE platform_role = 'admin'")
    return count


async def test_a_second_use_makes_nobody(app: RunningApp) -> None:
    token = await app.setup_token()

    assert await _redeem(app, token, "ada@example.org") == 201
    assert await _redeem(app, token, "mallory@example.org") == 410
    assert await _admins(app) == 1


async def test_a_link_that_was_out_when_an_admin_came_makes_nobody(app: RunningApp) -> None:
    token = await app.setup_token()
    await set_platform_role(OPERATOR, app.resources, await app.user("root@example.org"), "admin")

    assert await _redeem(app, token, "mallory@example.org") == 410
    assert await _admins(app) == 1


async def test_no_link_is_made_while_there_is_an_admin(app: RunningApp) -> None:
    await app.user(admin=True)

    assert await new_setup_link(app.resources) is None
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use'") == 0


async def test_a_new_link_voids_the_one_before(app: RunningApp) -> None:
    old, new = await app.setup_token(), await app.setup_token()

    assert await _redeem(app, old, "mallory@example.org") == 410
    assert await _redeem(app, new, "ada@example.org") == 201


async def test_of_links_made_at_once_one_is_usable(app: RunningApp) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users, keys CASCADE")

        tokens = await at_once(16, lambda _: app.setup_token())

        assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys") == 1
        statuses = [await _redeem(app, token, f"a{number}@example.org") for number, token in enumerate(tokens)]
        assert sorted(statuses) == [201] + [410] * 15


async def test_a_setup_link_and_a_granted_role_at_once_leave_no_more_than_was_granted(app: RunningApp) -> None:
    for _ in range(10):
        await app.resources.database.pool.execute("TRUNCATE users, keys CASCADE")
        user, token = await app.user("root@example.org"), await app.setup_token()

        async def work(number: int) -> int:
            if number:
                return await _redeem(app, token, "ada@example.org")  # noqa: B023 # awaited within the round
            await set_platform_role(OPERATOR, app.resources, user, "admin")  # noqa: B023 # awaited within the round
            return 0

        _, redeemed = await at_once(2, work)

        assert redeemed in (201, 410)
        assert await _admins(app) == (2 if redeemed == 201 else 1)


async def test_the_setup_link_takes_no_account_over(app: RunningApp) -> None:
    await app.user(secret="nine quiet herons over water")
    token = await app.setup_token()

    for email in ("ada@example.org", "ADA@EXAMPLE.ORG", " ada@example.org"):
        assert await _redeem(app, token, email) == 409

    assert await _admins(app) == 0
    taken = await app.client().post("/api/session", json=CREDENTIALS)
    assert taken.status_code == 401
