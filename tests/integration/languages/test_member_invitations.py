"""Invitations to a language: mailing, resending, and voiding with the membership."""

from email.message import EmailMessage
from uuid import UUID

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import create_user_with_link
from tests.support.app import SECRET, RunningApp, field_errors, id_of, items, problem
from tests.support.mailbox import redeem, token_in
from tests.support.members import PATH, add, member_id, roles_of


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """An admin of German."""
    await app.language("de", "German")
    return await app.signed_in_member("de", "admin", email="root@example.org")


async def accept(app: RunningApp, message: EmailMessage) -> httpx.Response:
    """Redeem the link of an invitation."""
    return await redeem(app.client(), token=token_in(message), name="Eve", secret=SECRET)


async def test_an_unknown_address_is_invited_and_gets_the_roles_of_the_invitation(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    await add(admin, "eve@example.org", "translator")
    (invitation,) = await app.mails()
    assert invitation["To"] == "eve@example.org"
    assert (await roles_of(admin))["eve@example.org"] == ["translator"]
    accepted = await accept(app, invitation)
    assert accepted.status_code == 201
    assert accepted.json()["memberships"] == [{"language": "de", "languageName": "German", "roles": ["translator"]}]
    assert accepted.json()["user"]["platformRole"] is None


async def test_an_account_without_an_accepted_invitation_cannot_sign_in_by_password(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    await add(admin, "eve@example.org", "admin")
    sign_in = {"method": "password", "email": "eve@example.org", "secret": SECRET}
    assert (await app.client().post("/api/session", json=sign_in)).status_code == 401


async def test_a_resent_invitation_voids_the_previous_link_and_none_is_sent_after_acceptance(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    await add(admin, "eve@example.org")
    path = f"{PATH}/{await member_id(admin, 'eve@example.org')}/invitation"
    assert (await admin.post(path)).status_code == 202
    first, second = await app.mails()
    assert [(await accept(app, mail)).status_code for mail in (first, second)] == [410, 201]
    assert (await admin.post(path)).status_code == 202
    assert len(await app.mails()) == 2


async def test_removing_the_member_voids_the_invitation(app: RunningApp, admin: httpx.AsyncClient) -> None:
    await add(admin, "eve@example.org")
    await admin.delete(f"{PATH}/{await member_id(admin, 'eve@example.org')}")
    assert (await accept(app, (await app.mails())[0])).status_code == 410
    await add(admin, "eve@example.org", "translator")
    assert (await accept(app, (await app.mails())[1])).json()["memberships"] == [
        {"language": "de", "languageName": "German", "roles": ["translator"]}
    ]


@pytest.fixture
async def danish(app: RunningApp, admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """An admin of Danish. Eve has been invited to German, and after that to Danish."""
    await app.language("da", "Danish")
    danish = await app.signed_in_member("da", "admin", email="dan@example.org")
    await add(admin, "eve@example.org", "translator")
    await add(danish, "eve@example.org", code="da")
    return danish


@pytest.mark.usefixtures("danish")
@pytest.mark.parametrize("redeemed", [0, 1])
async def test_each_of_two_invitations_gives_both_memberships_and_ends_the_other(
    app: RunningApp, redeemed: int
) -> None:
    mails = await app.mails()
    accepted = await accept(app, mails[redeemed])
    assert accepted.json()["memberships"] == [
        {"language": "da", "languageName": "Danish", "roles": []},
        {"language": "de", "languageName": "German", "roles": ["translator"]},
    ]
    assert [(await accept(app, mail)).status_code for mail in mails] == [410, 410]


async def test_removing_the_member_of_one_language_voids_the_invitation_to_it_alone(
    app: RunningApp, admin: httpx.AsyncClient, danish: httpx.AsyncClient
) -> None:
    await danish.delete(f"/api/languages/da/members/{await member_id(admin, 'eve@example.org')}")
    german, other = await app.mails()
    assert (await accept(app, other)).status_code == 410
    assert (await accept(app, german)).json()["memberships"] == [
        {"language": "de", "languageName": "German", "roles": ["translator"]}
    ]


@pytest.mark.usefixtures("danish")
async def test_deleting_a_language_ends_the_invitations_to_it_alone(app: RunningApp) -> None:
    root = await app.signed_in("platform@example.org", admin=True)
    assert (await root.delete("/api/languages/de")).status_code == 204
    german, other = await app.mails()
    await app.language("de", "German again")
    assert (await accept(app, german)).status_code == 410
    assert (await accept(app, other)).json()["memberships"] == [
        {"language": "da", "languageName": "Danish", "roles": []}
    ]


async def test_members_are_listed_by_the_user_who_invited_them_last(app: RunningApp, admin: httpx.AsyncClient) -> None:
    second = await app.signed_in_member("de", "admin", email="second@example.org")
    for client, email in ((admin, "a@example.org"), (admin, "b@example.org"), (second, "c@example.org")):
        await add(client, email)
    await second.post(f"{PATH}/{await member_id(admin, 'b@example.org')}/invitation")

    async def invited_by(inviter: str) -> set[str]:
        return {member["email"] for member in await items(admin, PATH, invitedBy=inviter, limit=1)}

    assert await invited_by("me") == await invited_by(await id_of(admin)) == {"a@example.org"}
    assert await invited_by(await id_of(second)) == {"b@example.org", "c@example.org"}
    assert await invited_by(str(UUID(int=0))) == set()
    assert field_errors(await admin.get(PATH, params={"invitedBy": "ada"})) == {"invitedBy": "invalid"}
    translator = await app.signed_in_member("de", "translator", email="t@example.org")
    assert problem(await translator.get(PATH, params={"invitedBy": await id_of(admin)}))["code"] == "forbidden"


async def test_removing_the_member_does_not_void_the_invitation_of_a_platform_admin(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    root = await app.signed_in("platform@example.org", admin=True)
    await root.post("/api/users", json={"email": "eve@example.org", "name": "Eve"})
    await add(admin, "eve@example.org")
    await admin.delete(f"{PATH}/{await member_id(admin, 'eve@example.org')}")
    assert [(await accept(app, mail)).status_code for mail in reversed(await app.mails())] == [410, 201]


async def test_removing_the_member_voids_the_link_if_the_platform_admins_invitation_has_expired(
    app: RunningApp,
) -> None:
    await create_user_with_link(OPERATOR, app.resources, "eve@example.org", "", None)
    app.clock.forward(days=7)
    await app.language("de", "German")
    admin = await app.signed_in_member("de", "admin")
    await add(admin, "eve@example.org")
    await admin.delete(f"{PATH}/{await member_id(admin, 'eve@example.org')}")
    assert (await accept(app, (await app.mails())[-1])).status_code == 410
