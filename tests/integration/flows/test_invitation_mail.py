"""Invitations by mail: the link hands the account over as invited, a new one voids the old, and it can be revoked."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors, problem
from tests.support.mailbox import redeem, text_of, token_in

ADDRESS = "grace@example.org"


async def language_admin(app: RunningApp) -> httpx.AsyncClient:
    await app.language("de", "German")
    user_id = await app.user("ada@example.org", name="Ada Rivers")
    await app.member(user_id, "de", "admin")
    return app.with_cookie(await app.token(user_id))


async def invited(app: RunningApp, admin: httpx.AsyncClient, *roles: str) -> str:
    """Add an unknown address to German; gives the token in the mail."""
    answer = await admin.post("/api/languages/de/members", json={"email": ADDRESS, "roles": roles})
    assert answer.status_code == 202
    message = (await app.mails())[-1]
    assert message["To"] == ADDRESS
    return token_in(message)


async def member_id(admin: httpx.AsyncClient) -> str:
    members = (await admin.get("/api/languages/de/members")).json()["items"]
    return next(str(member["userId"]) for member in members if member["email"] == ADDRESS)


def acceptance(app: RunningApp) -> dict[str, str]:
    """What accepting takes in this deployment."""
    return {"name": "Grace", "secret": SECRET} if app.settings.passwords else {"name": "Grace"}


async def test_accepting_gives_name_session_and_the_roles_that_were_offered(either: RunningApp) -> None:
    admin = await language_admin(either)
    token = await invited(either, admin, "translator")
    assert "Ada Rivers invites you to Ostiary for the language German." in text_of((await either.mails())[-1])
    either.clock.forward(days=6)
    answer = await redeem(either.client(), token=token, **acceptance(either))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["user"]["name"], body["onboarding"]["required"]) == ("Grace", False)
    assert body["memberships"] == [{"language": "de", "roles": ["translator"]}]


async def test_accepting_takes_a_secret_only_where_there_are_passwords(either: RunningApp) -> None:
    token = await invited(either, await language_admin(either))
    expected = {"name": "missing", "secret": "missing"} if either.settings.passwords else {"name": "missing"}
    assert field_errors(await redeem(either.client(), token=token)) == expected
    assert (await redeem(either.client(), token=token, **acceptance(either))).status_code == 201
    credentials = {**CREDENTIALS, "email": ADDRESS}
    status = (await either.client().post("/api/session", json=credentials)).status_code
    assert status == (201 if either.settings.passwords else 403)


async def test_a_secret_that_is_sent_where_there_are_none_is_not_kept(open_app: RunningApp) -> None:
    token = await invited(open_app, await language_admin(open_app))
    assert (await redeem(open_app.client(), token=token, name="Grace", secret=SECRET)).status_code == 201
    keys = "SELECT count(*) FROM keys WHERE kind = 'primary' AND identifier = $1 AND secret_hash IS NULL"
    assert await open_app.resources.database.pool.fetchval(keys, ADDRESS) == 1


async def test_a_platform_admin_invites_by_creating_a_user(either: RunningApp) -> None:
    admin = await either.signed_in("root@example.org", admin=True)
    created = await admin.post("/api/users", json={"email": ADDRESS, "name": "G."})
    assert created.status_code == 201
    message = (await either.mails())[-1]
    assert text_of(message).startswith("You are invited to Ostiary.")
    answer = await redeem(either.client(), token=token_in(message), **acceptance(either))
    assert (answer.status_code, answer.json()["user"]["name"]) == (201, "Grace")


async def test_a_resent_invitation_voids_the_one_before(either: RunningApp) -> None:
    admin = await language_admin(either)
    first = await invited(either, admin)
    resent = await admin.post(f"/api/languages/de/members/{await member_id(admin)}/invitation")
    assert (resent.status_code, resent.json()) == (202, {"status": "accepted"})
    second = token_in((await either.mails())[-1])
    assert problem(await redeem(either.client(), token=first, **acceptance(either)))["code"] == "key_not_usable"
    assert (await redeem(either.client(), token=second, **acceptance(either))).status_code == 201


async def test_removing_the_member_revokes_the_invitation(either: RunningApp) -> None:
    admin = await language_admin(either)
    token = await invited(either, admin)
    assert (await admin.delete(f"/api/languages/de/members/{await member_id(admin)}")).status_code == 204
    assert problem(await redeem(either.client(), token=token, **acceptance(either)))["code"] == "key_not_usable"


@pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 410)])
async def test_an_invitation_ends_exactly_after_seven_days(either: RunningApp, seconds: int, status: int) -> None:
    token = await invited(either, await language_admin(either))
    either.clock.forward(days=7, seconds=seconds)
    assert (await redeem(either.client(), token=token, **acceptance(either))).status_code == status


async def test_an_invitation_is_in_the_language_of_its_account(either: RunningApp) -> None:
    admin, root = await language_admin(either), await either.signed_in("root@example.org", admin=True)
    await invited(either, admin)
    path = f"/api/users/{await member_id(admin)}"
    await root.patch(path, json={"locale": "de"})
    assert (await root.post(f"{path}/invitation")).status_code == 204
    assert (await either.mails())[-1]["Content-Language"] == "de"


async def test_a_member_with_an_account_is_told_in_their_language_and_gets_no_link(either: RunningApp) -> None:
    admin = await language_admin(either)
    grace = await either.signed_in(ADDRESS)
    await grace.patch("/api/users/me", json={"locale": "de"})
    assert (await admin.post("/api/languages/de/members", json={"email": ADDRESS})).status_code == 202
    (message,) = await either.mails()
    assert message["Subject"] == "Sie gehören jetzt zu German bei Ostiary"
    assert "#token=" not in text_of(message)
