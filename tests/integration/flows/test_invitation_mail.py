"""Invitations by mail: accepting, resending, voiding, expiry and locale."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors, problem
from tests.support.mailbox import redeem, text_of, token_in

ADDRESS = "grace@example.org"


async def language_admin(app: RunningApp) -> httpx.AsyncClient:
    """The client of Ada Rivers, an admin of German."""
    await app.language("de", "German")
    user_id = await app.user("ada@example.org", name="Ada Rivers")
    await app.member(user_id, "de", "admin")
    return app.with_cookie(await app.token(user_id))


async def invite(app: RunningApp, admin: httpx.AsyncClient, *roles: str) -> str:
    """Add the unknown `ADDRESS` to German, and return the token in the mail."""
    answer = await admin.post("/api/languages/de/members", json={"email": ADDRESS, "roles": roles})
    assert answer.status_code == 202
    message = (await app.mails())[-1]
    assert message["To"] == ADDRESS
    return token_in(message)


async def id_of_member(admin: httpx.AsyncClient) -> str:
    """The user id of the member with `ADDRESS`."""
    members = (await admin.get("/api/languages/de/members")).json()["items"]
    return next(str(member["userId"]) for member in members if member["email"] == ADDRESS)


def required_fields(app: RunningApp) -> dict[str, str]:
    """The fields that accepting an invitation requires in this deployment."""
    return {"name": "Grace", "secret": SECRET} if app.settings.passwords else {"name": "Grace"}


async def test_accepting_sets_the_name_starts_a_session_and_gives_the_invited_roles(either: RunningApp) -> None:
    admin = await language_admin(either)
    token = await invite(either, admin, "translator")
    assert '"Ada Rivers" invites you to Ostiary for the language "German".' in text_of((await either.mails())[-1])
    either.clock.forward(days=6)
    answer = await redeem(either.client(), token=token, **required_fields(either))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["user"]["name"], body["onboarding"]["required"]) == ("Grace", False)
    assert body["memberships"] == [{"language": "de", "languageName": "German", "roles": ["translator"]}]


async def test_accepting_requires_a_secret_only_if_passwords_are_enabled(either: RunningApp) -> None:
    token = await invite(either, await language_admin(either))
    expected = {"name": "missing", "secret": "missing"} if either.settings.passwords else {"name": "missing"}
    assert field_errors(await redeem(either.client(), token=token)) == expected
    assert (await redeem(either.client(), token=token, **required_fields(either))).status_code == 201
    credentials = {**CREDENTIALS, "email": ADDRESS}
    status = (await either.client().post("/api/session", json=credentials)).status_code
    assert status == (201 if either.settings.passwords else 403)


async def test_an_invitation_takes_no_secret_if_passwords_are_disabled(open_app: RunningApp) -> None:
    token = await invite(open_app, await language_admin(open_app))
    refused = await redeem(open_app.client(), token=token, name="Grace", secret=SECRET)
    assert field_errors(refused) == {"secret": "unknown_field"}
    assert (await redeem(open_app.client(), token=token, name="Grace")).status_code == 201
    keys = "SELECT count(*) FROM keys WHERE kind = 'primary' AND identifier = $1 AND secret_hash IS NULL"
    assert await open_app.resources.database.pool.fetchval(keys, ADDRESS) == 1


async def test_a_platform_admin_invites_by_creating_a_user(either: RunningApp) -> None:
    admin = await either.signed_in("root@example.org", admin=True)
    created = await admin.post("/api/users", json={"email": ADDRESS, "name": "G."})
    assert created.status_code == 201
    message = (await either.mails())[-1]
    assert text_of(message).startswith("You are invited to Ostiary.")
    answer = await redeem(either.client(), token=token_in(message), **required_fields(either))
    assert (answer.status_code, answer.json()["user"]["name"]) == (201, "Grace")


async def test_a_resent_invitation_voids_the_previous_link(either: RunningApp) -> None:
    admin = await language_admin(either)
    first = await invite(either, admin)
    resent = await admin.post(f"/api/languages/de/members/{await id_of_member(admin)}/invitation")
    assert (resent.status_code, resent.json()) == (202, {"status": "accepted"})
    second = token_in((await either.mails())[-1])
    assert problem(await redeem(either.client(), token=first, **required_fields(either)))["code"] == "key_not_usable"
    assert (await redeem(either.client(), token=second, **required_fields(either))).status_code == 201


async def test_removing_the_member_voids_the_invitation(either: RunningApp) -> None:
    admin = await language_admin(either)
    token = await invite(either, admin)
    assert (await admin.delete(f"/api/languages/de/members/{await id_of_member(admin)}")).status_code == 204
    assert problem(await redeem(either.client(), token=token, **required_fields(either)))["code"] == "key_not_usable"


@pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 410)])
async def test_an_invitation_expires_after_7_days(either: RunningApp, seconds: int, status: int) -> None:
    token = await invite(either, await language_admin(either))
    either.clock.forward(days=7, seconds=seconds)
    assert (await redeem(either.client(), token=token, **required_fields(either))).status_code == status


async def test_an_invitation_is_in_the_locale_of_its_account(either: RunningApp) -> None:
    admin, root = await language_admin(either), await either.signed_in("root@example.org", admin=True)
    await invite(either, admin)
    path = f"/api/users/{await id_of_member(admin)}"
    await root.patch(path, json={"locale": "de"})
    assert (await root.post(f"{path}/invitation")).status_code == 204
    assert (await either.mails())[-1]["Content-Language"] == "de"


async def test_an_added_user_gets_a_notice_in_their_locale_without_a_link(either: RunningApp) -> None:
    admin = await language_admin(either)
    grace = await either.signed_in(ADDRESS)
    await grace.patch("/api/users/me", json={"locale": "de"})
    assert (await admin.post("/api/languages/de/members", json={"email": ADDRESS})).status_code == 202
    (message,) = await either.mails()
    assert message["Subject"] == "Sie gehören jetzt zu „German“ bei Ostiary"
    assert "#token=" not in text_of(message)
