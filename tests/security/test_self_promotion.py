"""Self-promotion: a user gives themselves a role, or is given one by leaving it out."""

import pytest

from tests.support.app import RunningApp, field_errors, id_of, problem

PLANTED = {
    "platformRole": "admin", "platform_role": "admin", "role": "admin", "roles": ["admin"], "permission": "admin",
    "status": "active", "suspensionReason": None, "onboardedAt": None, "email": "root@example.org", "id": "me",
}  # fmt: skip


async def test_no_change_of_a_profile_takes_a_role_or_a_status(app: RunningApp) -> None:
    ada, root = await app.signed_in(), await app.signed_in("root@example.org", admin=True)

    for client in (ada, root):
        answer = await client.patch("/api/users/me", json={"name": "Ada", **PLANTED})
        assert field_errors(answer) == dict.fromkeys(PLANTED, "unknown_field")

    assert (await ada.get("/api/users/me")).json()["platformRole"] is None


async def test_a_change_that_leaves_the_role_out_leaves_the_role(app: RunningApp) -> None:
    root = await app.signed_in(admin=True)

    await root.patch("/api/users/me", json={"name": "Root"})

    assert (await root.get("/api/users/me")).json()["platformRole"] == "admin"


@pytest.mark.parametrize("whom", ["me", "own id", "another"])
@pytest.mark.parametrize("roles", [(), ("admin", "translator")])
async def test_nobody_but_a_platform_admin_grants_the_platform_role(
    app: RunningApp, whom: str, roles: tuple[str, ...]
) -> None:
    await app.language("de")
    ada = await app.signed_in_member("de", *roles)
    named = {"me": "me", "own id": await id_of(ada), "another": str(await app.user("eve@example.org"))}[whom]

    answer = await ada.put(f"/api/users/{named}/platform-role", json={"role": "admin"})

    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert await app.resources.database.pool.fetchval("SELECT count(platform_role) FROM users") == 0


@pytest.mark.parametrize("roles", [(), ("translator",)])
async def test_nobody_but_an_admin_of_the_language_grants_its_roles(app: RunningApp, roles: tuple[str, ...]) -> None:
    await app.language("de")
    ada = await app.signed_in_member("de", *roles)

    answers = [
        await ada.put(f"/api/languages/de/members/{await id_of(ada)}", json={"roles": ["admin"]}),
        await ada.post("/api/languages/de/members", json={"email": "ada@example.org", "roles": ["admin"]}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    stored = await app.resources.database.pool.fetchval("SELECT roles FROM language_members")
    assert tuple(stored) == roles


async def test_a_suspended_user_restores_nobody(app: RunningApp) -> None:
    await app.signed_in("root@example.org", admin=True)
    admin = await app.signed_in(admin=True)
    path = f"/api/users/{await id_of(admin)}/suspension"
    # The session is left standing on purpose.
    await app.resources.database.pool.execute("UPDATE users SET status = 'suspended' WHERE email = 'ada@example.org'")

    assert (await admin.delete(path)).status_code == 401
