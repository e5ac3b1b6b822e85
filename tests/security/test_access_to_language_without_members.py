"""Vacuous truth: a check of all members holds for a language without members, and allows everybody."""

import pytest

from tests.support.app import RunningApp, id_of, items

ACTIONS = [
    ("GET", "", None),
    ("PATCH", "", {"name": "x"}),
    ("DELETE", "", None),
    ("GET", "/members", None),
    ("POST", "/members", {"email": "mallory@example.org", "roles": ["admin"]}),
    ("DELETE", "/members/me", None),
    ("GET", "/translations", None),
    ("GET", "/translations/greeting", None),
    ("POST", "/translations/batch", {"items": [{"key": "greeting", "text": "x", "version": None}]}),
]


@pytest.mark.parametrize(("method", "path", "body"), ACTIONS)
async def test_a_language_without_members_refuses_users_who_are_not_members(
    app: RunningApp, method: str, path: str, body: object
) -> None:
    await app.language("de")
    await app.language("da")
    strangers = [
        await app.signed_in(),
        await app.signed_in_member("da", "admin", "translator", email="b@example.org"),
    ]

    for client in strangers:
        answer = await client.request(method, f"/api/languages/de{path}", json=body)
        assert answer.status_code == 403, answer.text

    assert [language["code"] for language in await items(strangers[0], "/api/languages")] == []
    assert [language["code"] for language in await items(strangers[1], "/api/languages")] == ["da"]


async def test_a_language_that_all_members_have_left_refuses_the_former_members(app: RunningApp) -> None:
    await app.language("de")
    client = await app.signed_in_member("de", "admin", "translator")

    await client.delete("/api/languages/de/members/me")

    assert (await client.get("/api/languages/de")).status_code == 403
    assert (await client.post("/api/languages/de/members", json={"email": "ada@example.org"})).status_code == 403


async def test_each_member_has_their_own_roles_only(app: RunningApp) -> None:
    await app.language("de")
    await app.signed_in_member("de", "admin", email="admin@example.org")
    await app.signed_in_member("de", "translator", email="translator@example.org")
    member = await app.signed_in_member("de")

    assert (await member.get("/api/languages/de")).status_code == 200
    for method, path, body in (ACTIONS[1], ACTIONS[4], ACTIONS[8]):
        assert (await member.request(method, f"/api/languages/de{path}", json=body)).status_code == 403


async def test_a_language_without_an_admin_is_administered_by_platform_admins_only(app: RunningApp) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)
    admin = await app.signed_in_member("de", "admin", email="admin@example.org")
    member = await app.signed_in_member("de", "translator")

    await admin.put(f"/api/languages/de/members/{await id_of(admin)}", json={"roles": []})

    body = {"roles": ["admin"]}
    path = f"/api/languages/de/members/{await id_of(member)}"
    assert [(await client.put(path, json=body)).status_code for client in (admin, member, root)] == [403, 403, 200]
