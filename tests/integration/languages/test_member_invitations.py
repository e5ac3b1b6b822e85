"""Invitations to a language: mailing, resending, and voiding with the membership."""

from email.message import EmailMessage

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import create_user_with_link
from tests.support.app import SECRET, RunningApp
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
    assert accepted.json()["memberships"] == [{"language": "de", "roles": ["translator"]}]
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
        {"language": "de", "roles": ["translator"]}
    ]


async def test_an_invitation_to_two_languages_is_voided_with_the_last_membership(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    await app.language("da", "Danish")
    danish = await app.signed_in_member("da", "admin", email="dan@example.org")
    await add(admin, "eve@example.org")
    await add(danish, "eve@example.org", code="da")
    eve = await member_id(admin, "eve@example.org")
    await danish.delete(f"/api/languages/da/members/{eve}")
    live = "SELECT count(*) FROM keys WHERE purpose = 'invitation' AND used_at IS NULL"
    assert await app.resources.database.pool.fetchval(live) == 1
    await admin.delete(f"{PATH}/{eve}")
    assert await app.resources.database.pool.fetchval(live) == 0
    assert (await accept(app, (await app.mails())[1])).status_code == 410


async def test_removing_the_member_does_not_void_the_invitation_of_a_platform_admin(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    root = await app.signed_in("platform@example.org", admin=True)
    await root.post("/api/users", json={"email": "eve@example.org", "name": "Eve"})
    await add(admin, "eve@example.org")
    await admin.delete(f"{PATH}/{await member_id(admin, 'eve@example.org')}")
    assert [(await accept(app, mail)).status_code for mail in await app.mails()] == [410, 201]


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
