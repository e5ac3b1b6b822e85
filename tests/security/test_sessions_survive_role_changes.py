"""Sessions that survive a change of role: an old session keeps a lost right, or carries a gained one."""

import pytest

from tests.support.app import RunningApp, id_of, is_signed_in, items

TEXTS = "/api/languages/de/translations"


async def test_a_granted_platform_role_ends_the_sessions_from_before(app: RunningApp) -> None:
    root, ada = await app.signed_in("root@example.org", admin=True), await app.signed_in()

    await root.put(f"/api/users/{await id_of(ada)}/platform-role", json={"role": "admin"})

    assert not await is_signed_in(ada)


async def test_granting_a_role_that_the_user_has_ends_nothing(app: RunningApp) -> None:
    root, eve = await app.signed_in("root@example.org", admin=True), await app.signed_in(admin=True)

    await root.put(f"/api/users/{await id_of(eve)}/platform-role", json={"role": "admin"})

    assert await is_signed_in(eve)


async def test_a_lost_platform_role_is_lost_in_every_session_at_once(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    eve = await app.user("eve@example.org", admin=True)
    clients = [app.with_cookie(await app.token(eve, admin=True)) for _ in range(2)]
    for client in clients:
        assert (await client.get(f"/api/users/{await id_of(root)}")).status_code == 200

    await root.put(f"/api/users/{eve}/platform-role", json={"role": None})

    for client in clients:
        assert (await client.get(f"/api/users/{await id_of(root)}")).status_code == 403
        assert [user["email"] for user in await items(client, "/api/users")] == ["eve@example.org"]


@pytest.mark.parametrize("roles", [[], ["admin"]])
async def test_a_lost_language_role_is_lost_in_every_session_at_once(app: RunningApp, roles: list[str]) -> None:
    await app.language("de")
    admin = await app.signed_in_member("de", "admin", email="root@example.org")
    ada = await app.user()
    await app.member(ada, "de", "translator")
    clients = [app.with_cookie(await app.token(ada)) for _ in range(2)]

    await admin.put(f"/api/languages/de/members/{ada}", json={"roles": roles})

    for client in clients:
        answer = await client.put(f"{TEXTS}/a", json={"text": "x"}, headers={"If-None-Match": "*"})
        assert answer.status_code == 403
    assert await items(clients[0], TEXTS) == []


async def test_a_suspended_and_restored_user_finds_no_session_from_before(app: RunningApp) -> None:
    root, ada = await app.signed_in("root@example.org", admin=True), await app.signed_in()
    path = f"/api/users/{await id_of(ada)}/suspension"

    await root.post(path, json={})
    await root.delete(path)

    assert not await is_signed_in(ada)
