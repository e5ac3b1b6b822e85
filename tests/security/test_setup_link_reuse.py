"""Reuse of the setup link: a used, replaced or outdated setup link creates another platform admin."""

from app.audit import OPERATOR
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.flows.administer_users import set_platform_role
from tests.support.app import CREDENTIALS, SECRET, RunningApp
from tests.support.races import at_once


async def _redeem(app: RunningApp, token: str, email: str) -> int:
    body = {"token": token, "email": email, "name": "Ada", "secret": SECRET}
    async with app.client() as client:
        return (await client.post("/api/keys/redeem", json=body)).status_code


async def _admin_count(app: RunningApp) -> int:
    count: int = await app.resources.database.pool.fetchval("SELECT count(*) FROM users WHERE platform_role = 'admin'")
    return count


async def test_redeeming_a_used_setup_link_is_refused(app: RunningApp) -> None:
    token = await app.setup_token()

    assert await _redeem(app, token, "ada@example.org") == 201
    assert await _redeem(app, token, "mallory@example.org") == 410
    assert await _admin_count(app) == 1


async def test_a_setup_link_is_refused_once_a_platform_admin_exists(app: RunningApp) -> None:
    token = await app.setup_token()
    await set_platform_role(OPERATOR, app.resources, await app.user("root@example.org"), "admin")

    assert await _redeem(app, token, "mallory@example.org") == 410
    assert await _admin_count(app) == 1


async def test_no_setup_link_is_issued_while_a_platform_admin_exists(app: RunningApp) -> None:
    await app.user(admin=True)

    assert await new_setup_link(OPERATOR, app.resources) is None
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use'") == 0


async def test_a_new_setup_link_voids_the_previous_link(app: RunningApp) -> None:
    old, new = await app.setup_token(), await app.setup_token()

    assert await _redeem(app, old, "mallory@example.org") == 410
    assert await _redeem(app, new, "ada@example.org") == 201


USABLE = "SELECT count(*) FROM keys WHERE used_at IS NULL"


async def test_exactly_one_of_concurrently_issued_setup_links_is_usable(app: RunningApp) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users, keys CASCADE")

        tokens = await at_once(16, lambda _: app.setup_token())

        assert await app.resources.database.pool.fetchval(USABLE) == 1
        statuses = [await _redeem(app, token, f"a{number}@example.org") for number, token in enumerate(tokens)]
        assert sorted(statuses) == [201] + [410] * 15


async def test_a_setup_link_redeemed_beside_a_grant_creates_an_admin_only_if_accepted(app: RunningApp) -> None:
    for _ in range(10):
        await app.resources.database.pool.execute("TRUNCATE users, keys CASCADE")
        user, token = await app.user("root@example.org"), await app.setup_token()

        async def grant_or_redeem(number: int) -> int:
            if number:
                return await _redeem(app, token, "ada@example.org")  # noqa: B023 # awaited within the round
            await set_platform_role(OPERATOR, app.resources, user, "admin")  # noqa: B023 # awaited within the round
            return 0

        _, redeemed = await at_once(2, grant_or_redeem)

        assert redeemed in (201, 410)
        assert await _admin_count(app) == (2 if redeemed == 201 else 1)


async def test_a_setup_link_redeemed_with_a_taken_address_is_refused(app: RunningApp) -> None:
    await app.user(secret="nine quiet herons over water")
    token = await app.setup_token()

    for email in ("ada@example.org", "ADA@EXAMPLE.ORG", " ada@example.org"):
        assert await _redeem(app, token, email) == 409

    assert await _admin_count(app) == 0
    answer = await app.client().post("/api/session", json=CREDENTIALS)
    assert answer.status_code == 401
