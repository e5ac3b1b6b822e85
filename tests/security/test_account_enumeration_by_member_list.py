"""Account enumeration by the list of members: what it shows of an address that has just been added."""

import uuid

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, items
from tests.support.mailbox import token_in

PATH = "/api/languages/de/members"
KNOWN, UNKNOWN = "known@example.org", "fresh@example.org"


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """An admin of German, who adds one address with an account, in use for a year, and one without."""
    await app.language("de")
    await app.token(await app.user("Known@example.org", name="Grace"))
    app.clock.forward(days=365)
    client = await app.signed_in_member("de", "admin")
    for email in (KNOWN.upper(), UNKNOWN.upper()):
        assert (await client.post(PATH, json={"email": email, "roles": ["translator"]})).status_code == 202
    return client


async def shown(admin: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    return {member.pop("email"): member for member in await items(admin, PATH)}


async def test_both_look_alike_until_they_come(admin: httpx.AsyncClient) -> None:
    members = await shown(admin)
    known, unknown = members[KNOWN], members[UNKNOWN]
    assert {**known, "userId": ""} == {**unknown, "userId": ""}
    assert known["name"] == ""


async def test_both_look_alike_when_their_roles_are_set(admin: httpx.AsyncClient) -> None:
    answers = [
        (await admin.put(f"{PATH}/{member['userId']}", json={"roles": []})).json()
        for email, member in (await shown(admin)).items()
        if email in (KNOWN, UNKNOWN)
    ]
    assert [answer["name"] for answer in answers] == ["", ""]


async def test_an_id_does_not_tell_when_the_account_was_made(admin: httpx.AsyncClient) -> None:
    assert {uuid.UUID(str(member["userId"])).version for member in (await shown(admin)).values()} == {4}


async def test_each_is_called_by_name_once_they_have_come(app: RunningApp, admin: httpx.AsyncClient) -> None:
    invitation = next(mail for mail in await app.mails() if mail["To"].lower() == UNKNOWN)
    app.clock.forward(seconds=1)
    sign_in = {"method": "password", "email": KNOWN, "secret": SECRET}
    assert (await app.client().post("/api/session", json=sign_in)).status_code == 201
    accepting = {"token": token_in(invitation), "name": "Eve", "secret": SECRET}
    assert (await app.client().post("/api/keys/redeem", json=accepting)).status_code == 201
    members = await shown(admin)
    assert (members[KNOWN]["name"], members[UNKNOWN]["name"]) == ("Grace", "Eve")


async def test_who_is_signed_in_all_along_is_called_by_name_within_the_hour(app: RunningApp) -> None:
    await app.language("de")
    admin, grace = await app.signed_in_member("de", "admin"), await app.signed_in(KNOWN, name="Grace")
    await admin.post(PATH, json={"email": KNOWN})
    app.clock.forward(minutes=60)
    await grace.get("/api/session")
    await app.sessions.flush()
    assert (await shown(admin))[KNOWN]["name"] == "Grace"
