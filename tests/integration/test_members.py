"""Members over HTTP: adding by address, invitations, roles, leaving and removing."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.world import SECRET, World, field_errors, id_of, items, pages, problem

PATH = "/api/languages/de/members"
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
STEP_UP_MINUTES = 15


class Mail(NamedTuple):
    """What a mail is made from."""

    to: str
    template: str
    values: Mapping[str, str]

    @property
    def token(self) -> str:
        """The token of the link in an invitation."""
        return self.values["link"].partition("#token=")[2]


@pytest.fixture
def outbox(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Mail]:
    """What is given to the mail queue from here on."""
    sent = list[Mail]()

    async def send(
        _: AsyncSession,
        *,
        to: str,
        template: str,
        values: Mapping[str, str],
        **_when_and_how: object,
    ) -> None:
        sent.append(Mail(to, template, values))

    for service in (world.services.members, world.services.invitations):
        monkeypatch.setattr(service, "_send_mail", send)
    return sent


@pytest.fixture
async def admin(world: World) -> httpx.AsyncClient:
    """An admin of German."""
    await world.language("de", "German")
    return await world.signed_in_member("de", "admin", email="root@example.org")


async def add(client: httpx.AsyncClient, email: str, *roles: str, code: str = "de") -> None:
    """Add somebody by their address."""
    response = await client.post(f"/api/languages/{code}/members", json={"email": email, "roles": roles})
    assert response.status_code == 202, response.text


async def roles_of(client: httpx.AsyncClient) -> dict[str, list[str]]:
    """The roles of all members, by address."""
    return {member["email"]: member["roles"] for member in await items(client, PATH)}


async def member_id(client: httpx.AsyncClient, email: str) -> str:
    """The id of the member with this address."""
    return next(str(member["userId"]) for member in await items(client, PATH) if member["email"] == email)


async def accept(world: World, token: str) -> httpx.Response:
    """Follow the link of an invitation."""
    return await world.client().post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": SECRET})


async def test_every_page_gives_every_member_once(world: World, admin: httpx.AsyncClient) -> None:
    for number in range(5):
        await world.member(await world.user(f"user{number}@example.org"), "de", "translator")
    found = await pages(admin, PATH, limit=2)
    assert [len(page) for page in found] == [2, 2, 2]
    assert len({member["email"] for page in found for member in page}) == 6


async def test_a_member_is_told_with_name_roles_and_since_when(world: World, admin: httpx.AsyncClient) -> None:
    user_id = await world.user()
    await world.member(user_id, "de", "translator", "admin")
    world.clock.forward(seconds=1)
    await world.token(user_id)
    (member,) = [member for member in await items(admin, PATH) if member["userId"] == str(user_id)]
    assert member == {
        "userId": str(user_id), "name": "Ada", "email": "ada@example.org", "roles": ["translator", "admin"],
        "createdAt": "2026-06-01T12:00:00Z",
    }  # fmt: skip


async def test_the_owner_of_a_known_address_is_a_member_at_once_and_told(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    ada = await world.signed_in()
    await add(admin, " ADA@Example.org", "translator")
    assert outbox == [Mail("ada@example.org", "member_added", {"language": "German", "inviter": "Ada"})]
    assert (await ada.get("/api/session")).json()["memberships"] == [{"language": "de", "roles": ["translator"]}]
    assert (await ada.get("/api/languages/de")).status_code == 200
    invited_by = "SELECT invited_by FROM language_members WHERE user_id = $1"
    assert await world.services.database.pool.fetchval(invited_by, UUID(await id_of(ada))) == UUID(await id_of(admin))


async def test_an_unknown_address_is_invited_and_becomes_what_it_was_invited_to(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    await add(admin, "eve@example.org", "translator")
    (invitation,) = outbox
    assert (invitation.to, invitation.template) == ("eve@example.org", "invitation")
    assert (await roles_of(admin))["eve@example.org"] == ["translator"]
    accepted = await accept(world, invitation.token)
    assert accepted.status_code == 201
    assert accepted.json()["memberships"] == [{"language": "de", "roles": ["translator"]}]
    assert accepted.json()["user"]["platformRole"] is None


async def test_an_account_that_waits_for_its_owner_has_no_way_in_but_the_link(
    world: World, admin: httpx.AsyncClient
) -> None:
    await add(admin, "eve@example.org", "admin")
    sign_in = {"method": "password", "email": "eve@example.org", "secret": SECRET}
    assert (await world.client().post("/api/session", json=sign_in)).status_code == 401


async def test_who_is_a_member_already_keeps_their_roles(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    await world.member(await world.user(), "de", "translator")
    await add(admin, "eve@example.org")
    for email in ("ada@example.org", "eve@example.org"):
        response = await admin.post(PATH, json={"email": email, "roles": ["admin"]})
        assert (response.status_code, problem(response)["code"]) == (409, "already_member")
    assert await roles_of(admin) == {
        "root@example.org": ["admin"],
        "ada@example.org": ["translator"],
        "eve@example.org": [],
    }
    assert (await accept(world, outbox[0].token)).status_code == 201


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
    admin: httpx.AsyncClient, outbox: list[Mail], body: dict[str, object], errors: dict[str, str]
) -> None:
    assert field_errors(await admin.post(PATH, json=body)) == errors
    assert await roles_of(admin) == {"root@example.org": ["admin"]}
    assert outbox == []


async def test_roles_are_replaced_and_count_from_the_next_request(world: World, admin: httpx.AsyncClient) -> None:
    ada = await world.signed_in_member("de", "translator")
    path = f"{PATH}/{await id_of(ada)}"
    for roles in (["admin"], ["admin", "translator"], [], ["translator", "translator"]):
        response = await admin.put(path, json={"roles": roles})
        assert (response.status_code, response.json()["roles"]) == (200, sorted(set(roles)))
        assert (await ada.get("/api/session")).json()["memberships"] == [
            {"language": "de", "roles": sorted(set(roles))}
        ]
        status = (await ada.patch("/api/languages/de", json={})).status_code
        assert status == (200 if "admin" in roles else 403)


async def test_a_removed_member_has_no_access_from_the_next_request_on(world: World, admin: httpx.AsyncClient) -> None:
    ada = await world.signed_in_member("de", "admin", "translator")
    assert (await admin.delete(f"{PATH}/{await id_of(ada)}")).status_code == 204
    assert (await ada.get("/api/session")).json()["memberships"] == []
    assert (await ada.get("/api/languages/de")).status_code == 403
    assert await roles_of(admin) == {"root@example.org": ["admin"]}


async def test_a_member_leaves(world: World, admin: httpx.AsyncClient) -> None:
    ada = await world.signed_in_member("de")
    assert (await ada.delete(f"{PATH}/me")).status_code == 204
    assert (await ada.delete(f"{PATH}/me")).status_code == 403
    assert await roles_of(admin) == {"root@example.org": ["admin"]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", "", {"roles": []}), ("DELETE", "", None), ("POST", "/invitation", None)],
)
async def test_who_is_no_member_cannot_be_changed_removed_or_invited_again(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail], method: str, path: str, body: object
) -> None:
    stranger = await world.user()
    for user_id in (stranger, UNKNOWN_ID):
        response = await admin.request(method, f"{PATH}/{user_id}{path}", json=body)
        assert (response.status_code, problem(response)["code"]) == (404, "not_found")
    assert (await roles_of(admin)).keys() == {"root@example.org"}
    assert outbox == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None), ("POST", "", {"email": "eve@example.org"}), ("PUT", f"/{UNKNOWN_ID}", {"roles": []}),
        ("DELETE", f"/{UNKNOWN_ID}", None), ("DELETE", "/me", None), ("POST", f"/{UNKNOWN_ID}/invitation", None),
    ],
)  # fmt: skip
async def test_only_a_platform_admin_learns_that_a_language_does_not_exist(
    world: World, method: str, path: str, body: object
) -> None:
    root, ada = await world.signed_in("root@example.org", admin=True), await world.signed_in()
    answers = [await client.request(method, f"/api/languages/xx/members{path}", json=body) for client in (root, ada)]
    assert [answer.status_code for answer in answers] == [404, 403]
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM users") == 2


async def test_an_invitation_is_mailed_again_and_the_link_before_it_is_void(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    await add(admin, "eve@example.org")
    path = f"{PATH}/{await member_id(admin, 'eve@example.org')}/invitation"
    assert (await admin.post(path)).status_code == 202
    first, second = outbox
    assert [(await accept(world, mail.token)).status_code for mail in (first, second)] == [410, 201]
    assert (await admin.post(path)).status_code == 202
    assert len(outbox) == 2


async def test_an_invitation_is_revoked_by_removing_the_member(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    await add(admin, "eve@example.org")
    await admin.delete(f"{PATH}/{await member_id(admin, 'eve@example.org')}")
    assert (await accept(world, outbox[0].token)).status_code == 410
    await add(admin, "eve@example.org", "translator")
    assert (await accept(world, outbox[1].token)).json()["memberships"] == [{"language": "de", "roles": ["translator"]}]


async def test_an_invitation_to_two_languages_is_revoked_with_the_last_of_them(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    await world.language("da", "Danish")
    danish = await world.signed_in_member("da", "admin", email="dan@example.org")
    await add(admin, "eve@example.org")
    await add(danish, "eve@example.org", code="da")
    eve = await member_id(admin, "eve@example.org")
    await danish.delete(f"/api/languages/da/members/{eve}")
    live = "SELECT count(*) FROM keys WHERE purpose = 'invitation' AND used_at IS NULL"
    assert await world.services.database.pool.fetchval(live) == 1
    await admin.delete(f"{PATH}/{eve}")
    assert await world.services.database.pool.fetchval(live) == 0
    assert (await accept(world, outbox[1].token)).status_code == 410


async def test_an_invitation_of_the_platform_is_not_revoked_by_a_language(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    root = await world.signed_in("platform@example.org", admin=True)
    await root.post("/api/users", json={"email": "eve@example.org", "name": "Eve"})
    await add(admin, "eve@example.org")
    await admin.delete(f"{PATH}/{await member_id(admin, 'eve@example.org')}")
    assert [(await accept(world, mail.token)).status_code for mail in outbox] == [410, 201]


async def test_an_invitation_of_the_platform_that_has_expired_is_no_hindrance(world: World, outbox: list[Mail]) -> None:
    await world.services.invitations.create_user("eve@example.org", "", None)
    world.clock.forward(days=7)
    await world.language("de", "German")
    admin = await world.signed_in_member("de", "admin")
    await add(admin, "eve@example.org")
    await admin.delete(f"{PATH}/{await member_id(admin, 'eve@example.org')}")
    assert (await accept(world, outbox[-1].token)).status_code == 410


async def test_adding_and_granting_need_a_recent_proof_and_removing_does_not(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    ada = await world.user()
    await world.member(ada, "de")
    world.clock.forward(minutes=STEP_UP_MINUTES, seconds=1)
    for method, path, body in (
        ("POST", PATH, {"email": "eve@example.org"}),
        ("PUT", f"{PATH}/{ada}", {"roles": ["admin"]}),
        ("POST", f"{PATH}/{ada}/invitation", None),
    ):
        response = await admin.request(method, path, json=body)
        assert (response.status_code, problem(response)["code"]) == (403, "reauthentication_required")
    assert await roles_of(admin) == {"root@example.org": ["admin"], "ada@example.org": []}
    assert outbox == []
    assert (await admin.delete(f"{PATH}/{ada}")).status_code == 204


async def test_a_suspended_owner_of_an_address_is_added_and_told_nothing(
    world: World, admin: httpx.AsyncClient, outbox: list[Mail]
) -> None:
    await world.services.users.suspend(await world.user())
    await add(admin, "ada@example.org")
    assert outbox == []


async def test_a_deleted_user_is_no_member(world: World, admin: httpx.AsyncClient) -> None:
    user_id = await world.user()
    await world.member(user_id, "de", "admin")
    await world.services.users.remove(user_id)
    assert await roles_of(admin) == {"root@example.org": ["admin"]}
