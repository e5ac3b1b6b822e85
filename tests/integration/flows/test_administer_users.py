"""Accounts over HTTP: every user's own account, and all accounts for platform admins."""

import httpx
import pytest

from app.audit import Actor
from app.domain.flows.administer_users import create_user
from app.domain.keys.service import user_id_of_email
from app.errors import Problem
from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors, id_of, is_signed_in, items, problem
from tests.support.mailbox import redeem, token_in

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
STEP_UP_MINUTES = 15


@pytest.fixture
async def root(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin."""
    return await app.signed_in("root@example.org", admin=True, name="Root")


async def account(client: httpx.AsyncClient, user_id: object) -> dict[str, str | None]:
    """The account as the client reads it."""
    body: dict[str, str | None] = (await client.get(f"/api/users/{user_id}")).json()
    return body


async def test_an_account_is_read_by_id_and_the_callers_own_also_by_me(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    ada = await app.signed_in()
    user_id = await id_of(ada)
    expected = {
        "id": user_id, "email": "ada@example.org", "name": "Ada", "phone": None, "locale": None, "platformRole": None,
        "status": "active", "suspensionReason": None, "onboardedAt": "2026-06-01T12:00:00Z",
        "updatedAt": "2026-06-01T12:00:00Z", "kind": "person",
    }  # fmt: skip
    own = await account(ada, "me")
    assert await account(ada, user_id) == await account(root, user_id) == own
    assert (own.pop("createdAt") or "").startswith("2026-06-01T12:00:00")
    assert own == expected


async def test_a_user_changes_their_own_profile(app: RunningApp) -> None:
    ada = await app.signed_in()
    app.clock.forward(hours=1)
    sent = {"name": "Ada L.", "phone": "+4915112345678", "locale": "de-AT"}
    changed = (await ada.patch("/api/users/me", json=sent)).json()
    assert changed.items() >= {**sent, "updatedAt": "2026-06-01T13:00:00Z"}.items()
    assert (await ada.get("/api/session")).json()["user"]["name"] == "Ada L."
    cleared = (await ada.patch("/api/users/me", json={"phone": None, "locale": None})).json()
    assert (cleared["name"], cleared["phone"], cleared["locale"]) == ("Ada L.", None, None)
    assert (await ada.patch("/api/users/me", json={})).json() == cleared


async def test_a_platform_admin_changes_the_profile_of_any_user(app: RunningApp, root: httpx.AsyncClient) -> None:
    user_id = await app.user()
    assert (await root.patch(f"/api/users/{user_id}", json={"name": "Augusta"})).json()["name"] == "Augusta"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"name": ""}, {"name": "too_short"}),
        ({"name": None}, {"name": "wrong_type"}),
        ({"name": "x" * 201}, {"name": "too_long"}),
        ({"name": "a\0"}, {"name": "invalid_character"}),
        ({"phone": "0151 1234"}, {"phone": "invalid"}),
        ({"phone": "+4915112345678\n"}, {"phone": "invalid"}),
        ({"phone": "+0123"}, {"phone": "invalid"}),
        ({"locale": "de_AT"}, {"locale": "invalid"}),
        ({"locale": ""}, {"locale": "invalid"}),
        ({"locale": "de-" + "x" * 40}, {"locale": "too_long"}),
        ({"email": "eve@example.org"}, {"email": "unknown_field"}),
    ],
)
async def test_a_malformed_change_changes_nothing(
    app: RunningApp, body: dict[str, object], errors: dict[str, str]
) -> None:
    ada = await app.signed_in()
    before = await account(ada, "me")
    assert field_errors(await ada.patch("/api/users/me", json={"name": "Augusta", **body})) == errors
    assert await account(ada, "me") == before


async def test_a_created_user_is_not_onboarded_and_has_an_invitation_key(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    response = await root.post("/api/users", json={"email": "Eve@Example.org", "name": "Eve"})
    created = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/users/{created['id']}"
    assert (created["email"], created["onboardedAt"], created["platformRole"]) == ("Eve@example.org", None, None)
    assert await account(root, created["id"]) == created
    key = await app.resources.database.pool.fetchrow("SELECT * FROM keys WHERE purpose = 'invitation'")
    assert key is not None
    assert (str(key["user_id"]), key["address"]) == (created["id"], "eve@example.org")


@pytest.mark.parametrize("onboarded", [True, False])
async def test_an_address_has_one_account(app: RunningApp, root: httpx.AsyncClient, onboarded: bool) -> None:
    await app.user(onboarded=onboarded)
    response = await root.post("/api/users", json={"email": "ADA@example.org", "name": "Eve"})
    assert (response.status_code, problem(response)["code"]) == (409, "email_taken")
    assert [user["email"] for user in await items(root, "/api/users")] == ["root@example.org", "ada@example.org"]
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use'") == 0


async def test_an_invitation_can_be_resent_until_it_is_accepted(app: RunningApp, root: httpx.AsyncClient) -> None:
    user_id = (await root.post("/api/users", json={"email": "eve@example.org", "name": "Eve"})).json()["id"]
    assert (await root.post(f"/api/users/{user_id}/invitation")).status_code == 204
    first, second = [token_in(mail) for mail in await app.mails()]
    accepting = {"name": "Eve", "secret": SECRET}
    assert (await redeem(app.client(), token=first, **accepting)).status_code == 410
    assert (await redeem(app.client(), token=second, **accepting)).status_code == 201
    again = await root.post(f"/api/users/{user_id}/invitation")
    assert (again.status_code, problem(again)["code"]) == (409, "no_invitation")
    assert len(await app.mails()) == 2


async def test_a_suspension_ends_all_sessions_and_its_reason_is_shown_to_platform_admins(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    ada = await app.signed_in()
    user_id = await id_of(ada)
    response = await root.post(f"/api/users/{user_id}/suspension", json={"reason": "Spam"})
    assert (response.status_code, response.content) == (204, b"")
    assert not await is_signed_in(ada)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    shown = await account(root, user_id)
    assert (shown["status"], shown["suspensionReason"]) == ("suspended", "Spam")


async def test_a_restored_user_can_sign_in_and_old_sessions_stay_ended(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    ada = await app.signed_in()
    path = f"/api/users/{await id_of(ada)}"
    await root.post(f"{path}/suspension", json={})
    assert (await root.delete(f"{path}/suspension")).status_code == 204
    assert not await is_signed_in(ada)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201
    shown = (await root.get(path)).json()
    assert (shown["status"], shown["suspensionReason"]) == ("active", None)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"reason": ""}, {"reason": "too_short"}),
        ({"reason": "x" * 501}, {"reason": "too_long"}),
        ({"until": "tomorrow"}, {"until": "unknown_field"}),
    ],
)
async def test_a_malformed_suspension_suspends_nobody(
    app: RunningApp, root: httpx.AsyncClient, body: dict[str, str], errors: dict[str, str]
) -> None:
    ada = await app.signed_in()
    assert field_errors(await root.post(f"/api/users/{await id_of(ada)}/suspension", json=body)) == errors
    assert await is_signed_in(ada)


async def test_the_platform_role_is_granted_and_revoked(app: RunningApp, root: httpx.AsyncClient) -> None:
    user_id = await app.user()
    path = f"/api/users/{user_id}/platform-role"
    assert (await root.put(path, json={"role": "admin"})).status_code == 204
    assert (await account(root, user_id))["platformRole"] == "admin"
    assert (await root.put(path, json={"role": None})).status_code == 204
    assert (await account(root, user_id))["platformRole"] is None


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"role": "missing"}),
        ({"role": "owner"}, {"role": "invalid"}),
        ({"role": ["admin"]}, {"role": "wrong_type"}),
    ],
)
async def test_a_malformed_role_grants_nothing(
    app: RunningApp, root: httpx.AsyncClient, body: dict[str, object], errors: dict[str, str]
) -> None:
    user_id = await app.user()
    assert field_errors(await root.put(f"/api/users/{user_id}/platform-role", json=body)) == errors
    assert (await account(root, user_id))["platformRole"] is None


async def test_all_sessions_of_one_user_end_and_those_of_other_users_stay(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    user_id = await app.user()
    clients = [app.with_cookie(await app.token(user_id)) for _ in range(3)]
    other = await app.signed_in("eve@example.org")
    assert (await root.delete(f"/api/users/{user_id}/sessions")).status_code == 204
    assert [await is_signed_in(client) for client in (*clients, other, root)] == [False] * 3 + [True] * 2
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def test_deleting_an_account_deletes_its_sessions_keys_and_memberships(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    await app.language("de")
    ada = await app.signed_in_member("de", "admin")
    user_id = await id_of(ada)
    response = await root.delete(f"/api/users/{user_id}")
    assert (response.status_code, response.content) == (204, b"")
    assert not await is_signed_in(ada)
    assert (await root.get(f"/api/users/{user_id}")).status_code == 404
    assert await items(root, "/api/languages/de/members") == []
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    assert (await root.post("/api/users", json={"email": "ada@example.org", "name": "Ada"})).status_code == 201


ADMINISTRATION = [
    ("PUT", "/platform-role", {"role": "admin"}),
    ("POST", "/suspension", {}),
    ("DELETE", "/suspension", None),
    ("DELETE", "/sessions", None),
    ("DELETE", "", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMINISTRATION)
async def test_administration_requires_recent_authentication(
    app: RunningApp, root: httpx.AsyncClient, method: str, path: str, body: object
) -> None:
    ada = await app.signed_in()
    before = await account(ada, "me")
    app.clock.forward(minutes=STEP_UP_MINUTES, seconds=1)
    response = await root.request(method, f"/api/users/{before['id']}{path}", json=body)
    assert (response.status_code, problem(response)["code"]) == (403, "reauthentication_required")
    assert await account(ada, "me") == before


@pytest.mark.parametrize("user_id", [UNKNOWN_ID, "nobody", "0", "x" * 300, "ME", "%F0%9F%90%91"])
@pytest.mark.parametrize(("method", "path", "body"), [*ADMINISTRATION, ("GET", "", None), ("PATCH", "", {"name": "x"})])
async def test_only_a_platform_admin_learns_that_a_user_does_not_exist(
    app: RunningApp, root: httpx.AsyncClient, user_id: str, method: str, path: str, body: object
) -> None:
    ada = await app.signed_in()
    answers = [await client.request(method, f"/api/users/{user_id}{path}", json=body) for client in (root, ada)]
    assert [answer.status_code for answer in answers] == [404, 403]


async def test_the_right_to_create_a_user_is_checked_again_in_the_transaction(app: RunningApp) -> None:
    await app.user("ada@example.org")
    actor = Actor(user_id=await user_id_of_email(app.resources, "ada@example.org"))
    with pytest.raises(Problem) as refusal:
        await create_user(actor, app.resources, "eve@example.org", "Eve")
    assert refusal.value.code == "forbidden"
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 1
