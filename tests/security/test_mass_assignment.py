"""Mass assignment: an extra field in a request body sets an attribute that the client may not set."""

import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors

EXTRA_FIELDS = {
    "id": "00000000-0000-7000-8000-000000000000", "userId": "00000000-0000-7000-8000-000000000000", "user_id": 1,
    "platformRole": "admin", "platform_role": "admin", "role": "admin", "roles": ["admin"], "status": "active",
    "isAdmin": True, "admin": True, "onboardedAt": "2026-01-01T00:00:00Z", "createdAt": "2026-01-01T00:00:00Z",
    "secretHash": "x", "secret_hash": "x", "keyPurpose": "invitation", "expiresAt": "2099-01-01T00:00:00Z",
    "attemptsLeft": 99, "textdirection": "ltr", "__class__": "x", "__proto__": {}, "constructor": {}, "$where": "1",
}  # fmt: skip


async def test_every_body_refuses_unknown_fields(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()
    redemption = {"token": await app.invitation(), "name": "Eve", "secret": SECRET}
    requests: list[tuple[str, str, dict[str, str]]] = [
        ("POST", "/api/session", CREDENTIALS),
        ("POST", "/api/session/reauthentication", {"method": "password", "secret": SECRET}),
        ("POST", "/api/keys/redeem", redemption),
        ("PUT", "/api/keys/primary/secret", {"secret": "nine quiet herons over water"}),
        ("POST", "/api/languages", {"code": "fr", "name": "French"}),
        ("PATCH", "/api/languages/de", {"name": "Changed"}),
    ]
    state = "SELECT (SELECT array_agg(users) FROM users), (SELECT array_agg(languages) FROM languages)"
    before = await app.resources.database.pool.fetchrow(state)

    for method, path, body in requests:
        answer = await admin.request(method, path, json={**body, **EXTRA_FIELDS})
        assert field_errors(answer) == dict.fromkeys(EXTRA_FIELDS, "unknown_field"), path

    assert await app.resources.database.pool.fetchrow(state) == before


@pytest.mark.parametrize("field", ["code", "createdAt", "members", "roles"])
async def test_changing_a_language_refuses_fields_that_cannot_be_changed(app: RunningApp, field: str) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()

    answer = await admin.patch("/api/languages/de", json={"name": "Changed", field: "fr"})

    assert field_errors(answer) == {field: "unknown_field"}
    assert (await admin.get("/api/languages/de")).json()["name"] == "German"


async def test_an_invited_user_gets_no_role_beyond_the_invitation(app: RunningApp) -> None:
    body = {"token": await app.invitation(), "name": "admin", "secret": SECRET}

    answer = await app.client().post("/api/keys/redeem", json=body)

    assert answer.json()["user"]["platformRole"] is None
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM language_members") == 0


async def test_query_parameters_and_headers_set_no_attribute(app: RunningApp) -> None:
    browser = await app.signed_in()

    forged = {"X-User": "root", "X-Role": "admin", "X-Forwarded-User": "root", "Remote-User": "root"}
    parameters = {"platformRole": "admin", "user": "root", "as": "admin"}
    refused = await browser.get("/api/session", params=parameters)
    assert field_errors(refused) == dict.fromkeys(parameters, "unknown_parameter")

    answer = await browser.get("/api/session", headers=forged)

    assert answer.json()["user"]["platformRole"] is None
    assert answer.json()["user"]["email"] == "ada@example.org"
