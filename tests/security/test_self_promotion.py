"""Vertical privilege escalation: users grant themselves a role, or gain a role by omitting a field."""

import pytest

from tests.support.app import RunningApp, field_errors, id_of, problem

EXTRA_FIELDS = {
    "platformRole": "admin", "platform_role": "admin", "role": "admin", "roles": ["admin"], "permission": "admin",
    "status": "active", "suspensionReason": None, "onboardedAt": None, "email": "root@example.org", "id": "me",
}  # fmt: skip


async def test_changing_a_profile_refuses_roles_and_status(app: RunningApp) -> None:
    ada, root = await app.signed_in(), await app.signed_in("root@example.org", admin=True)

    for client in (ada, root):
        answer = await client.patch("/api/users/me", json={"name": "Ada", **EXTRA_FIELDS})
        assert field_errors(answer) == dict.fromkeys(EXTRA_FIELDS, "unknown_field")

    assert (await ada.get("/api/users/me")).json()["platformRole"] is None


async def test_changing_a_profile_keeps_the_platform_role(app: RunningApp) -> None:
    root = await app.signed_in(admin=True)

    await root.patch("/api/users/me", json={"name": "Root"})

    assert (await root.get("/api/users/me")).json()["platformRole"] == "admin"


@pytest.mark.parametrize("target", ["me", "own id", "another"])
@pytest.mark.parametrize("roles", [(), ("admin", "translator")])
async def test_granting_the_platform_role_requires_a_platform_admin(
    app: RunningApp, target: str, roles: tuple[str, ...]
) -> None:
    await app.language("de")
    ada = await app.signed_in_member("de", *roles)
    user_id = {"me": "me", "own id": await id_of(ada), "another": str(await app.user("eve@example.org"))}[target]

    answer = await ada.put(f"/api/users/{user_id}/platform-role", json={"role": "admin"})

    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert await app.resources.database.pool.fetchval("SELECT count(platform_role) FROM users") == 0


@pytest.mark.parametrize("roles", [(), ("translator",)])
async def test_granting_a_language_role_requires_an_admin_of_the_language(
    app: RunningApp, roles: tuple[str, ...]
) -> None:
    await app.language("de")
    ada = await app.signed_in_member("de", *roles)

    answers = [
        await ada.put(f"/api/languages/de/members/{await id_of(ada)}", json={"roles": ["admin"]}),
        await ada.post("/api/languages/de/members", json={"email": "ada@example.org", "roles": ["admin"]}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    stored = await app.resources.database.pool.fetchval("SELECT roles FROM language_members")
    assert tuple(stored) == roles


async def test_a_suspended_platform_admin_cannot_restore_themselves(app: RunningApp) -> None:
    await app.signed_in("root@example.org", admin=True)
    admin = await app.signed_in(admin=True)
    path = f"/api/users/{await id_of(admin)}/suspension"
    # By SQL, because a suspension by the API would end the session.
    await app.execute("UPDATE users SET status = 'suspended' WHERE email = 'ada@example.org'")

    assert (await admin.delete(path)).status_code == 401
