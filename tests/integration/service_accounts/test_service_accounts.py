"""Service accounts: platform admins make them and their keys, and programs act by the keys as the policy says."""

from uuid import UUID

import httpx
import pytest

from app.auth.tokens import token_hash
from app.domain.service_accounts.service import KEYS_PER_ACCOUNT
from tests.integration.test_statement_count import direct_reads, transactions
from tests.support.app import RunningApp, field_errors, items, problem, running, settings_for

PATH = "/api/service-accounts"
DAY = 24 * 3600


async def created(admin: httpx.AsyncClient, name: str = "Nightly export") -> str:
    answer = await admin.post(PATH, json={"name": name})
    assert answer.status_code == 201, answer.text
    account_id: str = answer.json()["id"]
    assert answer.headers["location"] == f"{PATH}/{account_id}"
    return account_id


async def test_a_platform_admin_makes_an_account_and_a_key_that_is_shown_once(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    account_id = await created(admin, "  Nightly export ")
    body = {"name": "Build server", "expiresIn": 30 * DAY}

    made = await admin.post(f"{PATH}/{account_id}/keys", json=body)

    assert made.status_code == 201
    token = made.json()["token"]
    assert token.startswith("ost_key_")
    listed = await items(admin, f"{PATH}/{account_id}/keys")
    assert listed == [{name: value for name, value in made.json().items() if name != "token"}]
    assert listed[0] | {"id": ""} == {
        "id": "",
        "serviceAccountId": account_id,
        "name": "Build server",
        "createdAt": "2026-06-01T12:00:00Z",
        "expiresAt": "2026-07-01T12:00:00Z",
        "lastUsedAt": None,
    }
    (stored,) = await app.resources.database.pool.fetch("SELECT * FROM keys WHERE kind = 'api'")
    assert stored["identifier"] == token_hash(token).hex()
    assert token[8:] not in str(dict(stored))
    assert (await admin.get(f"{PATH}/{account_id}")).json()["name"] == "Nightly export"
    assert [item["id"] for item in await items(admin, PATH)] == [account_id]


async def test_people_and_service_accounts_are_two_lists(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    account_id = await created(admin)
    assert [user["kind"] for user in await items(admin, "/api/users")] == ["person"]
    account = (await admin.get(f"/api/users/{account_id}")).json()
    assert (account["kind"], account["email"], account["name"]) == ("service", "", "Nightly export")
    person = await app.user("eve@example.org")
    for path in (f"{PATH}/{person}", f"{PATH}/{person}/keys"):
        assert (await admin.get(path)).status_code == 404
    body = {"name": "Build server", "expiresIn": DAY}
    assert (await admin.post(f"{PATH}/{person}/keys", json=body)).status_code == 404


async def test_a_program_acts_by_its_memberships_and_the_audit_names_its_key(app: RunningApp) -> None:
    await app.language("de")
    admin = await app.signed_in(admin=True)
    account_id = await created(admin)
    joined = await admin.put(f"/api/languages/de/members/{account_id}", json={"roles": ["translator"]})
    assert joined.status_code == 200
    assert (joined.json()["name"], joined.json()["email"], joined.json()["pending"]) == ("Nightly export", None, False)
    program = app.with_key(await app.api_key(UUID(account_id)))

    written = await program.put(
        "/api/languages/de/translations/hi", json={"text": "Hallo"}, headers={"If-None-Match": "*"}
    )

    assert written.status_code == 201
    assert written.json()["updatedBy"] == account_id
    assert [text["text"] for text in await items(program, "/api/languages/de/translations")] == ["Hallo"]
    assert (await program.get("/api/languages")).json()["items"][0]["code"] == "de"
    assert (await program.delete("/api/languages/de/members/me")).status_code == 204
    assert (await program.get("/api/languages/de/translations")).status_code == 403
    events = await items(admin, "/api/audit-events", actorId=account_id)
    key_id = (await items(program, f"{PATH}/{account_id}/keys"))[0]["id"]
    assert [(event["action"], event["keyId"], event["sessionId"]) for event in events] == [
        ("member.leave", key_id, None)
    ]


async def test_members_show_service_accounts_and_find_them_by_name(app: RunningApp) -> None:
    await app.language("de")
    admin = await app.signed_in(admin=True)
    account_id = await created(admin)
    await admin.put(f"/api/languages/de/members/{account_id}", json={"roles": []})
    for search in ("", "export"):
        members = await items(admin, "/api/languages/de/members", search=search)
        assert [member["userId"] for member in members] == [account_id]
    assert (await admin.put(f"/api/languages/de/members/{account_id}", json={"roles": ["admin"]})).status_code == 200
    assert (await admin.post(f"/api/languages/de/members/{account_id}/invitation")).status_code == 202
    assert await app.mails() == []
    assert (await admin.delete(f"/api/languages/de/members/{account_id}")).status_code == 204
    eve = await app.user("eve@example.org")
    assert (await admin.put(f"/api/languages/de/members/{eve}", json={"roles": []})).status_code == 404


async def test_a_program_reads_who_it_is_and_its_own_keys(app: RunningApp) -> None:
    await app.language("de")
    account_id = await app.service_account()
    await app.member(account_id, "de", "translator")
    program = app.with_key(await app.api_key(account_id, seconds=3600))

    session = await program.get("/api/session")

    body = session.json()
    assert body["session"] is None
    assert (body["user"]["id"], body["user"]["name"], body["user"]["email"]) == (str(account_id), "Nightly export", "")
    assert (body["key"]["name"], body["key"]["expiresAt"]) == ("Build server", "2026-06-01T13:00:00Z")
    assert [item["language"] for item in body["memberships"]] == ["de"]
    assert {"action": ["read"], "subject": ["User", "ServiceAccount"], "conditions": {"id": str(account_id)}} in body[
        "rules"
    ]
    again = await program.get("/api/session", headers={"If-None-Match": session.headers["etag"]})
    assert again.status_code == 304
    assert (await program.get("/api/users/me")).json()["id"] == str(account_id)
    assert (await program.get(f"{PATH}/{account_id}")).status_code == 200
    assert len(await items(program, f"{PATH}/{account_id}/keys")) == 1
    assert (await program.get(f"{PATH}/{await app.service_account()}")).status_code == 403
    checks = [{"action": "translate", "subjectType": "Language", "id": code} for code in ("de", "fr")]
    answer = await program.post("/api/policy/can", json={"checks": checks})
    assert [decision["allowed"] for decision in answer.json()["decisions"]] == [True, False]


async def test_a_key_is_answered_from_memory_and_its_use_is_noted_every_5_minutes(app: RunningApp) -> None:
    account_id = await app.service_account()
    program = app.with_key(await app.api_key(account_id))
    await program.get("/api/session")
    await app.sessions.flush()
    logged = list[str]()
    async with direct_reads(app, logged):
        with transactions(app, logged):
            for _ in range(5):
                assert (await program.get("/api/session")).json()["user"]["id"] == str(account_id)
    assert logged == []

    used = "SELECT (last_used_at - created_at)::text FROM keys"
    assert await app.resources.database.pool.fetchval(used) == "00:00:00"
    for minutes, noted in ((4, "00:00:00"), (1, "00:05:00")):
        app.clock.forward(minutes=minutes)
        await program.get("/api/session")
        await app.sessions.flush()
        assert await app.resources.database.pool.fetchval(used) == noted
    admin = await app.signed_in(admin=True)
    assert (await items(admin, PATH))[0]["lastSeenAt"] == "2026-06-01T12:05:00Z"


@pytest.mark.parametrize("cache", ["0", "50000"])
async def test_a_key_works_until_it_expires(app: RunningApp, database_url: str, cache: str) -> None:
    async with running(settings_for(database_url, PRINCIPAL_CACHE=cache), app.clock) as service:
        program = service.with_key(await service.api_key(await service.service_account(), seconds=60))
        service.clock.forward(seconds=59)
        assert (await program.get("/api/users/me")).status_code == 200
        service.clock.forward(seconds=1)
        assert (await program.get("/api/users/me")).status_code == 401


async def test_each_key_has_its_own_limit_of_requests(app: RunningApp, database_url: str) -> None:
    async with running(settings_for(database_url, API_KEY_REQUESTS_PER_MINUTE="3"), app.clock) as service:
        account_id = await service.service_account()
        one, other = [service.with_key(await service.api_key(account_id)) for _ in range(2)]
        assert [(await one.get("/api/users/me")).status_code for _ in range(3)] == [200] * 3
        service.clock.forward(seconds=20)

        refused = await one.get("/api/users/me")

        assert (refused.status_code, problem(refused)["code"]) == (429, "too_many_requests")
        assert refused.headers["retry-after"] == "40"
        assert refused.headers["ratelimit-policy"] == '"requests_by_key";q=3;w=60'
        assert (await other.get("/api/users/me")).status_code == 200
        service.clock.forward(seconds=40)
        assert (await one.get("/api/users/me")).status_code == 200


async def test_an_account_has_few_live_keys(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    account_id = await created(admin)
    path, body = f"{PATH}/{account_id}/keys", {"name": "Build server", "expiresIn": 60}
    for _ in range(KEYS_PER_ACCOUNT):
        assert (await admin.post(path, json=body)).status_code == 201
    refused = await admin.post(path, json=body)
    assert (refused.status_code, problem(refused)["code"]) == (409, "too_many_keys")
    key_id = (await items(admin, path))[0]["id"]
    assert (await admin.delete(f"{path}/{key_id}")).status_code == 204
    assert (await admin.delete(f"{path}/{key_id}")).status_code == 404
    assert (await admin.post(path, json=body)).status_code == 201
    app.clock.forward(minutes=1)
    assert (await admin.post(path, json=body)).status_code == 201


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"name": "Build server", "expiresIn": 59}, "expiresIn", "out_of_range"),
        ({"name": "Build server", "expiresIn": 400 * DAY + 1}, "expiresIn", "out_of_range"),
        ({"name": "Build server"}, "expiresIn", "missing"),
        ({"name": "\u200b", "expiresIn": DAY}, "name", "invalid"),
        ({"name": "Build server", "expiresIn": DAY, "token": "ost_key_mine"}, "token", "unknown_field"),
    ],
)
async def test_a_key_needs_a_name_and_an_end(app: RunningApp, body: dict[str, object], field: str, code: str) -> None:
    admin = await app.signed_in(admin=True)
    answer = await admin.post(f"{PATH}/{await created(admin)}/keys", json=body)
    assert field_errors(answer) == {field: code}


async def test_making_and_revoking_are_audited_without_the_token(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    account_id = await created(admin)
    made = (await admin.post(f"{PATH}/{account_id}/keys", json={"name": "Build", "expiresIn": DAY})).json()
    await admin.delete(f"{PATH}/{account_id}/keys/{made['id']}")

    events = await items(admin, "/api/audit-events", subject=f"user:{account_id}")

    assert [(event["action"], event["detail"]) for event in events] == [
        ("api_key.revoke", {"keyId": made["id"]}),
        ("api_key.create", {"keyId": made["id"]}),
        ("service_account.create", {}),
    ]
    assert made["token"][8:] not in str(events)
