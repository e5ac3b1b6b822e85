"""Privilege escalation by invitation: an inviter grants a role that they may not grant."""

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, field_errors, id_of, items, problem
from tests.support.races import queued

PATH = "/api/languages/de/members"
LOCK_LANGUAGE = "SELECT 1 FROM languages WHERE code = 'de' FOR UPDATE"


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """A user who is an admin of German and a translator of Danish."""
    for code in ("de", "da"):
        await app.language(code)
    user_id = await app.user("admin@example.org")
    await app.member(user_id, "de", "admin")
    await app.member(user_id, "da", "translator")
    return app.with_cookie(await app.token(user_id))


async def _account_count(app: RunningApp) -> int:
    count: int = await app.resources.database.pool.fetchval("SELECT count(*) FROM users")
    return count


async def _roles(admin: httpx.AsyncClient) -> dict[str, list[str]]:
    return {member["email"]: member["roles"] for member in await items(admin, PATH)}


@pytest.mark.parametrize("role", ["platform", "owner", "Admin", "admin ", "*", "manage", ""])
async def test_an_unknown_role_is_refused(app: RunningApp, admin: httpx.AsyncClient, role: str) -> None:
    answer = await admin.post(PATH, json={"email": "eve@example.org", "roles": [role]})

    assert field_errors(answer) == {"roles": "invalid"}
    assert await _account_count(app) == 1


@pytest.mark.parametrize("field", ["platformRole", "platform_role", "languages", "language", "purpose", "payload"])
async def test_an_unknown_field_of_an_invitation_is_refused(
    app: RunningApp, admin: httpx.AsyncClient, field: str
) -> None:
    answer = await admin.post(PATH, json={"email": "eve@example.org", "roles": [], field: "admin"})

    assert field_errors(answer) == {field: "unknown_field"}
    assert await _account_count(app) == 1


async def test_inviting_without_the_admin_role_in_the_language_is_refused(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    answer = await admin.post("/api/languages/da/members", json={"email": "eve@example.org", "roles": ["admin"]})

    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert await _account_count(app) == 1


async def test_inviting_a_member_again_does_not_change_their_roles(app: RunningApp, admin: httpx.AsyncClient) -> None:
    await app.member(await app.user(), "de", "translator")

    await admin.post(PATH, json={"email": "ada@example.org", "roles": ["admin"]})

    assert (await _roles(admin))["ada@example.org"] == ["translator"]


async def test_an_invited_user_gets_the_roles_of_the_invitation_only(app: RunningApp, admin: httpx.AsyncClient) -> None:
    await admin.post(PATH, json={"email": "eve@example.org", "roles": ["translator"]})
    redemption = {"token": "osk_" + "a" * 43, "name": "Eve", "secret": SECRET}

    for field in ("roles", "language", "platformRole", "userId"):
        answer = await app.client().post("/api/keys/redeem", json={**redemption, field: "admin"})
        assert field_errors(answer) == {field: "unknown_field"}

    rows = await app.resources.database.pool.fetch(
        "SELECT language_code, roles FROM language_members m "
        "JOIN users u ON u.id = m.user_id WHERE u.email = 'eve@example.org'"
    )
    assert [tuple(row) for row in rows] == [("de", ["translator"])]
    assert await app.resources.database.pool.fetchval("SELECT count(platform_role) FROM users") == 0


async def test_an_admin_demoted_between_guard_and_write_invites_nobody(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    root = await app.signed_in("root@example.org", admin=True)

    async with queued(app, LOCK_LANGUAGE) as queue:
        demotion = await queue.add(root.put(f"{PATH}/{await id_of(admin)}", json={"roles": []}))
        invitation = await queue.add(admin.post(PATH, json={"email": "eve@example.org", "roles": ["admin"]}))
        promotion = await queue.add(admin.put(f"{PATH}/{await id_of(admin)}", json={"roles": ["admin"]}))

    assert [(await task).status_code for task in (demotion, invitation, promotion)] == [200, 403, 403]
    assert await _account_count(app) == 2
    assert (await items(root, PATH))[0]["roles"] == []


async def test_revoking_an_invitation_revokes_its_roles(
    admin: httpx.AsyncClient,
) -> None:
    await admin.post(PATH, json={"email": "eve@example.org", "roles": ["admin"]})
    eve = next(member for member in await items(admin, PATH) if member["email"] == "eve@example.org")

    await admin.delete(f"{PATH}/{eve['userId']}")
    await admin.post(PATH, json={"email": "eve@example.org", "roles": []})

    assert (await _roles(admin))["eve@example.org"] == []
