"""Members over HTTP: adding by address, roles, leaving and removing."""

from uuid import UUID

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import delete_user, suspend_user
from tests.support.app import SECRET, RunningApp, field_errors, id_of, items, pages, problem
from tests.support.mailbox import redeem, text_of, token_in
from tests.support.members import PATH, add, roles_of

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
STEP_UP_MINUTES = 15


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """An admin of German."""
    await app.language("de", "German")
    return await app.signed_in_member("de", "admin", email="root@example.org")


async def test_the_pages_contain_every_member_once(app: RunningApp, admin: httpx.AsyncClient) -> None:
    for number in range(5):
        await app.member(await app.user(f"user{number}@example.org"), "de", "translator")
    found = await pages(admin, PATH, limit=2)
    assert [len(page) for page in found] == [2, 2, 2]
    assert len({member["email"] for page in found for member in page}) == 6


async def test_a_member_is_listed_with_name_address_roles_and_time(app: RunningApp, admin: httpx.AsyncClient) -> None:
    user_id = await app.user()
    await app.member(user_id, "de", "translator", "admin")
    app.clock.forward(seconds=1)
    await app.token(user_id)
    (member,) = [member for member in await items(admin, PATH) if member["userId"] == str(user_id)]
    assert member == {
        "userId": str(user_id), "name": "Ada", "email": "ada@example.org", "roles": ["translator", "admin"],
        "languageCode": "de", "createdAt": "2026-06-01T12:00:00Z", "pending": False,
        "invitedAt": "2026-06-01T12:00:00Z", "expiresAt": None, "invitedBy": None,
    }  # fmt: skip


async def test_a_new_member_is_pending_with_who_invited_them_when_and_until_when(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    app.clock.forward(minutes=1)
    added = await admin.post(PATH, json={"email": "eve@example.org", "roles": []})
    member = (await admin.get(PATH, params={"limit": 1})).json()["items"][0]
    assert (member["userId"], member["email"]) == (added.json()["userId"], "eve@example.org")
    assert (member["pending"], member["invitedBy"]) == (True, {"id": await id_of(admin), "name": "Ada"})
    assert (member["invitedAt"], member["expiresAt"]) == ("2026-06-01T12:01:00Z", "2026-06-08T12:01:00Z")

    app.clock.forward(days=8)
    later = app.with_cookie(await app.token(UUID(await id_of(admin))))
    assert (await later.post(f"{PATH}/{member['userId']}/invitation")).status_code == 202
    member = (await later.get(PATH, params={"limit": 1})).json()["items"][0]
    assert (member["invitedAt"], member["expiresAt"]) == ("2026-06-09T12:01:00Z", "2026-06-16T12:01:00Z")


async def test_members_see_of_each_other_no_address_and_no_invitation(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    await add(admin, "eve@example.org")
    reader = await app.signed_in_member("de", email="reader@example.org")
    for member in await items(reader, PATH):
        assert {member[name] for name in ("email", "invitedAt", "expiresAt", "invitedBy")} == {None}


async def test_members_are_found_by_name_and_for_admins_by_address(app: RunningApp, admin: httpx.AsyncClient) -> None:
    jose = await app.user("jose@example.org", name="José")
    await app.member(jose, "de")
    await app.user("hidden@example.org", name="Josephine")
    await add(admin, "hidden@example.org")
    app.clock.forward(seconds=1)
    reader = app.with_cookie(await app.token(jose))

    async def found(client: httpx.AsyncClient, search: str) -> set[str]:
        return {member["userId"] for member in await items(client, PATH, search=search)}

    assert await found(admin, "JOSÉ") == await found(reader, "josé") == {str(jose)}
    assert len(await found(admin, "hidden@EXAMPLE")) == 1
    # A name that the list does not show, and an address that the caller does not see, are not found.
    assert await found(admin, "josephine") == await found(reader, "jose@example") == await found(admin, "%") == set()


async def test_everybody_sees_who_added_them_to_which_language_and_can_leave(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    await app.language("fr", "French")
    ada = await app.signed_in()
    await add(admin, "ada@example.org", "translator")
    (membership,) = await items(ada, "/api/memberships")
    assert membership == {
        "userId": await id_of(ada), "languageCode": "de", "languageName": "German", "roles": ["translator"],
        "createdAt": "2026-06-01T12:00:00Z", "invitedBy": {"id": await id_of(admin), "name": "Ada"},
    }  # fmt: skip
    assert (await ada.delete(f"{PATH}/me")).status_code == 204
    assert await items(ada, "/api/memberships") == []


async def test_a_user_with_an_account_becomes_a_member_immediately_and_gets_a_notice(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    ada = await app.signed_in()
    await add(admin, " ADA@Example.org", "translator")
    (message,) = await app.mails()
    assert (message["To"], message["Subject"]) == ("ada@example.org", 'You are now a member of "German" at Ostiary')
    assert '"Ada" has added you to the language "German"' in text_of(message)
    assert (await ada.get("/api/session")).json()["memberships"] == [
        {"language": "de", "languageName": "German", "roles": ["translator"]}
    ]
    assert (await ada.get("/api/languages/de")).status_code == 200
    invited_by = "SELECT invited_by FROM language_members WHERE user_id = $1"
    assert await app.resources.database.pool.fetchval(invited_by, UUID(await id_of(ada))) == UUID(await id_of(admin))


async def test_adding_a_member_again_is_a_409_and_keeps_the_roles(app: RunningApp, admin: httpx.AsyncClient) -> None:
    await app.member(await app.user(), "de", "translator")
    await add(admin, "eve@example.org")
    for email in ("ada@example.org", "eve@example.org"):
        response = await admin.post(PATH, json={"email": email, "roles": ["admin"]})
        assert (response.status_code, problem(response)["code"]) == (409, "already_member")
    assert await roles_of(admin) == {
        "root@example.org": ["admin"],
        "ada@example.org": ["translator"],
        "eve@example.org": [],
    }
    (invitation,) = await app.mails()
    assert (await redeem(app.client(), token=token_in(invitation), name="Eve", secret=SECRET)).status_code == 201


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"email": "missing"}),
        ({"email": "nobody"}, {"email": "invalid_email"}),
        ({"email": "eve@example.org", "roles": ["owner"]}, {"roles": "invalid"}),
        ({"email": "eve@example.org", "roles": ["admin", "translator", "admin"]}, {"roles": "too_long"}),
        ({"email": "eve@example.org", "roles": "admin"}, {"roles": "wrong_type"}),
        ({"email": "eve@example.org", "name": "Eve"}, {"name": "unknown_field"}),
    ],
)
async def test_a_malformed_addition_is_a_422_and_adds_nobody(
    app: RunningApp, admin: httpx.AsyncClient, body: dict[str, object], errors: dict[str, str]
) -> None:
    assert field_errors(await admin.post(PATH, json=body)) == errors
    assert await roles_of(admin) == {"root@example.org": ["admin"]}
    assert await app.mails() == []


async def test_roles_are_replaced_and_count_from_the_next_request(app: RunningApp, admin: httpx.AsyncClient) -> None:
    ada = await app.signed_in_member("de", "translator")
    path = f"{PATH}/{await id_of(ada)}"
    for roles in (["admin"], ["admin", "translator"], [], ["translator", "translator"]):
        response = await admin.put(path, json={"roles": roles})
        assert (response.status_code, response.json()["roles"]) == (200, sorted(set(roles)))
        assert (await ada.get("/api/session")).json()["memberships"] == [
            {"language": "de", "languageName": "German", "roles": sorted(set(roles))}
        ]
        status = (await ada.patch("/api/languages/de", json={})).status_code
        assert status == (200 if "admin" in roles else 403)


async def test_a_removed_member_has_no_access_from_the_next_request_on(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    ada = await app.signed_in_member("de", "admin", "translator")
    assert (await admin.delete(f"{PATH}/{await id_of(ada)}")).status_code == 204
    assert (await ada.get("/api/session")).json()["memberships"] == []
    assert (await ada.get("/api/languages/de")).status_code == 403
    assert await roles_of(admin) == {"root@example.org": ["admin"]}


async def test_a_member_can_leave_the_language_once(app: RunningApp, admin: httpx.AsyncClient) -> None:
    ada = await app.signed_in_member("de")
    assert (await ada.delete(f"{PATH}/me")).status_code == 204
    assert (await ada.delete(f"{PATH}/me")).status_code == 403
    assert await roles_of(admin) == {"root@example.org": ["admin"]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", "", {"roles": []}), ("DELETE", "", None), ("POST", "/invitation", None)],
)
async def test_a_user_who_is_not_a_member_cannot_be_changed_removed_or_invited_again(
    app: RunningApp, admin: httpx.AsyncClient, method: str, path: str, body: object
) -> None:
    stranger = await app.user()
    for user_id in (stranger, UNKNOWN_ID):
        response = await admin.request(method, f"{PATH}/{user_id}{path}", json=body)
        assert (response.status_code, problem(response)["code"]) == (404, "not_found")
    assert (await roles_of(admin)).keys() == {"root@example.org"}
    assert await app.mails() == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None), ("POST", "", {"email": "eve@example.org"}), ("PUT", f"/{UNKNOWN_ID}", {"roles": []}),
        ("DELETE", f"/{UNKNOWN_ID}", None), ("DELETE", "/me", None), ("POST", f"/{UNKNOWN_ID}/invitation", None),
    ],
)  # fmt: skip
async def test_only_a_platform_admin_learns_that_a_language_does_not_exist(
    app: RunningApp, method: str, path: str, body: object
) -> None:
    root, ada = await app.signed_in("root@example.org", admin=True), await app.signed_in()
    answers = [await client.request(method, f"/api/languages/xx/members{path}", json=body) for client in (root, ada)]
    assert [answer.status_code for answer in answers] == [404, 403]
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 2


async def test_adding_and_granting_require_recent_authentication_and_removing_does_not(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    ada = await app.user()
    await app.member(ada, "de")
    app.clock.forward(minutes=STEP_UP_MINUTES, seconds=1)
    for method, path, body in (
        ("POST", PATH, {"email": "eve@example.org"}),
        ("PUT", f"{PATH}/{ada}", {"roles": ["admin"]}),
        ("POST", f"{PATH}/{ada}/invitation", None),
    ):
        response = await admin.request(method, path, json=body)
        assert (response.status_code, problem(response)["code"]) == (403, "reauthentication_required")
    assert await roles_of(admin) == {"root@example.org": ["admin"], "ada@example.org": []}
    assert await app.mails() == []
    assert (await admin.delete(f"{PATH}/{ada}")).status_code == 204


async def test_a_suspended_user_is_added_without_a_notice(app: RunningApp, admin: httpx.AsyncClient) -> None:
    await suspend_user(OPERATOR, app.resources, await app.user())
    await add(admin, "ada@example.org")
    assert await app.mails() == []


async def test_deleting_a_user_deletes_their_memberships(app: RunningApp, admin: httpx.AsyncClient) -> None:
    user_id = await app.user()
    await app.member(user_id, "de", "admin")
    await delete_user(OPERATOR, app.resources, user_id)
    assert await roles_of(admin) == {"root@example.org": ["admin"]}
