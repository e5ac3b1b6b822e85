"""Mass assignment of roles and status: an extra field in a body sets an attribute that has a route of its own."""

import pytest

from tests.support.app import RunningApp, field_errors

EXTRA_FIELDS: dict[str, object] = {
    "id": "x", "userId": "x", "user_id": "x", "invitedBy": None, "createdAt": "2026-01-01T00:00:00Z",
    "platformRole": "admin", "platform_role": "admin", "status": "active", "updatedBy": None, "updatedAt": None,
    "language": "da", "onboardedAt": "2026-01-01T00:00:00Z", "isAdmin": True, "purpose": "sign_in", "__proto__": {},
    "secret": "nine quiet herons over water",
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/users", {"email": "eve@example.org", "name": "Eve"}),
        ("PATCH", "/api/users/me", {"name": "Eve"}),
        ("PUT", "/api/users/{user_id}/platform-role", {"role": None}),
        ("POST", "/api/users/{user_id}/suspension", {"reason": "Spam"}),
        ("POST", "/api/languages/de/members", {"email": "eve@example.org", "roles": []}),
        ("PUT", "/api/languages/de/members/{user_id}", {"roles": []}),
        ("PUT", "/api/languages/de/translations/a", {"text": "x"}),
        ("POST", "/api/languages/de/translations/batch", {"items": [{"key": "a", "text": "x", "version": None}]}),
    ],
)
async def test_every_body_refuses_unknown_fields(
    app: RunningApp, method: str, path: str, body: dict[str, object]
) -> None:
    await app.language("de")
    root = await app.user("root@example.org", admin=True)
    await app.member(root, "de", "translator", "admin")
    client = app.with_cookie(await app.token(root, admin=True))
    user_id = await app.user()
    await app.member(user_id, "de", "translator")
    state = "SELECT (SELECT array_agg(users) FROM users), (SELECT array_agg(language_members) FROM language_members)"
    before = await app.resources.database.pool.fetchrow(state)

    answer = await client.request(
        method, path.format(user_id=user_id), json={**body, **EXTRA_FIELDS}, headers={"If-None-Match": "*"}
    )

    assert field_errors(answer) == dict.fromkeys(EXTRA_FIELDS, "unknown_field")
    assert await app.resources.database.pool.fetchrow(state) == before
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM translations") == 0


async def test_every_item_of_a_batch_refuses_unknown_fields(app: RunningApp) -> None:
    await app.language("de")
    client = await app.signed_in_member("de", "translator")
    item = {"key": "a", "text": "x", "version": None}

    answer = await client.post("/api/languages/de/translations/batch", json={"items": [item, {**item, **EXTRA_FIELDS}]})

    assert field_errors(answer) == {f"items.1.{name}": "unknown_field" for name in EXTRA_FIELDS}
