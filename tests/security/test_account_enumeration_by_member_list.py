"""Account enumeration: the list of members reveals whether a newly added address already had an account."""

import uuid

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, items
from tests.support.mailbox import token_in

PATH = "/api/languages/de/members"
KNOWN, UNKNOWN = "known@example.org", "fresh@example.org"


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """An admin of German who has added two addresses: one with an account created a year ago, one without."""
    await app.language("de")
    await app.token(await app.user("Known@example.org", name="Grace"))
    app.clock.forward(days=365)
    client = await app.signed_in_member("de", "admin")
    for email in (KNOWN.upper(), UNKNOWN.upper()):
        assert (await client.post(PATH, json={"email": email, "roles": ["translator"]})).status_code == 202
    return client


async def members_by_email(admin: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    return {member.pop("email"): member for member in await items(admin, PATH)}


async def test_added_addresses_with_and_without_an_account_look_alike_before_their_first_visit(
    admin: httpx.AsyncClient,
) -> None:
    members = await members_by_email(admin)
    known, unknown = members[KNOWN], members[UNKNOWN]
    assert {**known, "userId": ""} == {**unknown, "userId": ""}
    assert known["name"] == ""


async def test_a_second_invitation_by_another_admin_looks_alike_with_and_without_an_account(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    assert len(await items(admin, PATH)) == 3
    app.clock.forward(hours=1)
    other = await app.signed_in_member("de", "admin", email="other@example.org")
    added = [member for member in await items(other, PATH) if member["email"] in (KNOWN, UNKNOWN)]
    for member in added:
        assert (await other.post(f"{PATH}/{member['userId']}/invitation")).status_code == 202
    members = await members_by_email(other)
    assert {**members[KNOWN], "userId": ""} == {**members[UNKNOWN], "userId": ""}
    assert len(await items(other, PATH, invitedBy="me")) == 2


async def test_setting_roles_does_not_reveal_the_name_of_an_account(admin: httpx.AsyncClient) -> None:
    answers = [
        (await admin.put(f"{PATH}/{member['userId']}", json={"roles": []})).json()
        for email, member in (await members_by_email(admin)).items()
        if email in (KNOWN, UNKNOWN)
    ]
    assert [answer["name"] for answer in answers] == ["", ""]


async def test_user_ids_do_not_reveal_when_an_account_was_created(admin: httpx.AsyncClient) -> None:
    assert {uuid.UUID(str(member["userId"])).version for member in (await members_by_email(admin)).values()} == {4}


async def test_members_are_listed_by_name_after_their_first_visit(app: RunningApp, admin: httpx.AsyncClient) -> None:
    invitation = next(mail for mail in await app.mails() if mail["To"].lower() == UNKNOWN)
    app.clock.forward(seconds=1)
    sign_in = {"method": "password", "email": KNOWN, "secret": SECRET}
    assert (await app.client().post("/api/session", json=sign_in)).status_code == 201
    acceptance = {"token": token_in(invitation), "name": "Eve", "secret": SECRET}
    assert (await app.client().post("/api/keys/redeem", json=acceptance)).status_code == 201
    members = await members_by_email(admin)
    assert (members[KNOWN]["name"], members[UNKNOWN]["name"]) == ("Grace", "Eve")


async def test_a_member_who_stays_signed_in_is_listed_by_name_within_60_minutes(app: RunningApp) -> None:
    await app.language("de")
    admin, grace = await app.signed_in_member("de", "admin"), await app.signed_in(KNOWN, name="Grace")
    await admin.post(PATH, json={"email": KNOWN})
    app.clock.forward(minutes=60)
    await grace.get("/api/session")
    await app.sessions.flush()
    assert (await members_by_email(admin))[KNOWN]["name"] == "Grace"
