"""Stale permissions: a session from before a role change keeps a revoked role, or gains a granted role."""

import pytest

from tests.support.app import RunningApp, id_of, is_signed_in, items

TRANSLATIONS = "/api/languages/de/translations"


async def test_granting_the_platform_role_ends_the_sessions_of_the_user(app: RunningApp) -> None:
    root, ada = await app.signed_in("root@example.org", admin=True), await app.signed_in()

    await root.put(f"/api/users/{await id_of(ada)}/platform-role", json={"role": "admin"})

    assert not await is_signed_in(ada)


async def test_granting_a_role_that_the_user_has_ends_no_session(app: RunningApp) -> None:
    root, eve = await app.signed_in("root@example.org", admin=True), await app.signed_in(admin=True)

    await root.put(f"/api/users/{await id_of(eve)}/platform-role", json={"role": "admin"})

    assert await is_signed_in(eve)


async def test_a_revoked_platform_role_has_no_effect_in_any_session(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    eve = await app.user("eve@example.org", admin=True)
    clients = [app.with_cookie(await app.token(eve, admin=True)) for _ in range(2)]
    for client in clients:
        assert (await client.get(f"/api/users/{await id_of(root)}")).status_code == 200

    await root.put(f"/api/users/{eve}/platform-role", json={"role": None})

    for client in clients:
        assert (await client.get(f"/api/users/{await id_of(root)}")).status_code == 403
        assert (await client.get("/api/users")).status_code == 403


@pytest.mark.parametrize("roles", [[], ["admin"]])
async def test_a_revoked_language_role_has_no_effect_in_any_session(app: RunningApp, roles: list[str]) -> None:
    await app.language("de")
    admin = await app.signed_in_member("de", "admin", email="root@example.org")
    ada = await app.user()
    await app.member(ada, "de", "translator")
    clients = [app.with_cookie(await app.token(ada)) for _ in range(2)]

    await admin.put(f"/api/languages/de/members/{ada}", json={"roles": roles})

    for client in clients:
        answer = await client.put(f"{TRANSLATIONS}/a", json={"text": "x"}, headers={"If-None-Match": "*"})
        assert answer.status_code == 403
    assert await items(clients[0], TRANSLATIONS) == []


async def test_restoring_a_suspended_user_restores_no_session(app: RunningApp) -> None:
    root, ada = await app.signed_in("root@example.org", admin=True), await app.signed_in()
    path = f"/api/users/{await id_of(ada)}/suspension"

    await root.post(path, json={})
    await root.delete(path)

    assert not await is_signed_in(ada)
