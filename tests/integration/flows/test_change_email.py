"""Change of address: a code proves the new address, and a link to the old address undoes the change for 7 days."""

import re
from email.message import EmailMessage
from uuid import UUID

import httpx
import pytest

from tests.support.app import CREDENTIALS, RunningApp, id_of, is_signed_in, items, problem
from tests.support.mailbox import ask, code_in, is_accepted, mailed, redeem, text_of, token_in, wrong
from tests.support.races import at_once

OLD, NEW = "ada@example.org", "ada@new.example.org"


async def request_change(app: RunningApp, client: httpx.AsyncClient, address: str = NEW) -> EmailMessage:
    """Request a change of address, and return the mail to the new address."""
    assert (await ask(client, "email_change", address)).status_code == 202
    message = (await app.mails())[-1]
    assert message["To"] == address
    return message


async def confirm(client: httpx.AsyncClient, code: str, address: str = NEW) -> httpx.Response:
    return await redeem(client, purpose="email_change", email=address, code=code)


async def change_address(app: RunningApp, client: httpx.AsyncClient, address: str = NEW) -> EmailMessage:
    """Change the address, and return the notice to the old address."""
    assert (await confirm(client, code_in(await request_change(app, client, address)), address)).status_code == 201
    return (await app.mails())[-1]


async def test_the_code_in_the_mail_to_the_new_address_changes_the_address(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    other = either.with_cookie(await either.token((await client.get("/api/users/me")).json()["id"]))
    answer = await confirm(client, code_in(await request_change(either, client, "Ada@new.example.org")))
    assert (answer.status_code, answer.json()["user"]["email"]) == (201, "Ada@new.example.org")
    assert await is_signed_in(client)
    assert not await is_signed_in(other)
    primary = (await client.get("/api/keys")).json()["items"][0]
    assert primary["identifier"] == NEW


async def test_after_the_change_only_the_new_address_signs_in(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    await change_address(either, client)
    either.clock.forward(seconds=30)
    sent = len(await either.mails())
    await ask(either.client(), "sign_in", OLD)
    await ask(either.client(), "sign_in", NEW)
    recipients = [message["To"] for message in (await either.mails())[sent:]]
    # Where everybody may sign up, an address without an account is told how.
    assert recipients == ([OLD, NEW] if either.settings.sign_up == "open" else [NEW])


async def test_the_change_keeps_the_secret(app: RunningApp) -> None:
    client = await app.signed_in(OLD)
    await change_address(app, client)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    assert (await app.client().post("/api/session", json={**CREDENTIALS, "email": NEW})).status_code == 201


async def test_the_change_voids_the_keys_of_the_old_address(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    sign_in = await mailed(either, "sign_in", OLD)
    await change_address(either, client)
    assert (await redeem(either.client(), token=token_in(sign_in))).status_code == 410


async def test_the_link_in_the_notice_to_the_old_address_undoes_the_change_once(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    notice = await change_address(either, client)
    assert notice["To"] == OLD
    assert NEW in text_of(notice)
    assert "for 7 days" in text_of(notice)

    owner = either.client()
    answer = await redeem(owner, token=token_in(notice))
    assert (answer.status_code, answer.json()["user"]["email"]) == (201, OLD)
    assert await is_signed_in(owner)
    assert not await is_signed_in(client)
    assert (await redeem(either.client(), token=token_in(notice))).status_code == 410


async def test_the_token_in_the_text_of_the_notice_undoes_the_change_without_the_link(app: RunningApp) -> None:
    notice = await change_address(app, await app.signed_in(OLD))
    cut = re.sub(r"#\S*", "", text_of(notice))
    (line,) = [line for line in cut.splitlines() if line.startswith("osk_")]
    answer = await redeem(app.client(), token=f" {line}\r\n")
    assert (answer.status_code, answer.json()["user"]["email"]) == (201, OLD)


async def test_the_undo_clears_a_secret_that_was_set_after_the_change(app: RunningApp) -> None:
    client = await app.signed_in(OLD)
    notice = await change_address(app, client)
    secret = "a thief has chosen this one"
    assert (await client.put("/api/keys/primary/secret", json={"secret": secret})).status_code == 204
    assert (await redeem(app.client(), token=token_in(notice))).status_code == 201
    for email in (OLD, NEW):
        answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": email, "secret": secret})
        assert answer.status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 410)])
async def test_the_undo_link_expires_after_7_days(either: RunningApp, seconds: int, status: int) -> None:
    notice = await change_address(either, await either.signed_in(OLD))
    either.clock.forward(days=7, seconds=seconds)
    assert (await redeem(either.client(), token=token_in(notice))).status_code == status


async def test_the_undo_of_the_first_change_voids_the_undo_link_of_the_second(app: RunningApp) -> None:
    client = await app.signed_in(OLD)
    to_owner = await change_address(app, client)
    to_thief = await change_address(app, client, "mallory@example.org")
    assert (await redeem(app.client(), token=token_in(to_owner))).json()["user"]["email"] == OLD
    assert (await redeem(app.client(), token=token_in(to_thief))).status_code == 410


async def test_a_change_requires_a_session_and_recent_authentication(either: RunningApp) -> None:
    assert problem(await ask(either.client(), "email_change", NEW))["code"] == "not_signed_in"
    client = await either.signed_in(OLD)
    either.clock.forward(minutes=15, seconds=1)
    assert problem(await ask(client, "email_change", NEW))["code"] == "reauthentication_required"
    assert await either.mails() == []


async def test_a_taken_address_gets_the_same_answer_and_no_mail(either: RunningApp) -> None:
    await either.user("eve@example.org")
    client = await either.signed_in(OLD)
    answer = await ask(client, "email_change", "Eve@example.org")
    assert is_accepted(answer)
    assert await either.mails() == []


async def test_the_case_of_the_own_address_can_be_changed(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    answer = await confirm(client, code_in(await request_change(either, client, "Ada@example.org")), "ADA@example.org")
    assert (answer.status_code, answer.json()["user"]["email"]) == (201, "Ada@example.org")
    notice = (await either.mails())[-1]
    assert notice["To"] == OLD
    assert (await redeem(either.client(), token=token_in(notice))).json()["user"]["email"] == OLD


async def test_the_own_address_as_it_is_written_gets_no_mail(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    assert (await ask(client, "email_change", "ada@EXAMPLE.org")).status_code == 202
    assert await either.mails() == []


async def invited(app: RunningApp, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The new address is invited to German as a translator and to Danish; the user of the client is in Danish already.

    Returns an admin of the platform.
    """
    root = await app.signed_in("root@example.org", admin=True)
    await app.member(UUID(await id_of(client)), await app.language("da", "Danish"), "admin")
    for code, role in ((await app.language("de", "German"), "translator"), ("da", "translator")):
        answer = await root.post(f"/api/languages/{code}/members", json={"email": NEW, "roles": [role]})
        assert answer.status_code == 202
    return root


async def test_an_invited_address_can_become_that_of_its_owners_account_which_gets_the_memberships(
    either: RunningApp,
) -> None:
    client = await either.signed_in(OLD)
    root = await invited(either, client)
    invitations = await either.mails()

    answer = await confirm(client, code_in(await request_change(either, client)))

    assert (answer.status_code, answer.json()["user"]["email"]) == (201, NEW)
    assert answer.json()["memberships"] == [
        {"language": "da", "languageName": "Danish", "roles": ["admin"]},
        {"language": "de", "languageName": "German", "roles": ["translator"]},
    ]
    for message in invitations:
        assert (await redeem(either.client(), token=token_in(message))).status_code == 410
    newest = (await items(root, "/api/audit-events", action="member.add"))[0]
    assert newest["detail"] == {"language": "de", "roles": ["translator"]}
    assert len(await items(root, "/api/audit-events", action="user.delete")) == 1


async def test_an_address_whose_invitation_was_accepted_after_the_request_is_refused(app: RunningApp) -> None:
    client = await app.signed_in(OLD)
    await invited(app, client)
    invitation = (await app.mails())[0]
    code = code_in(await request_change(app, client))
    accepted = await redeem(app.client(), token=token_in(invitation), name="Grace", secret=CREDENTIALS["secret"])
    assert accepted.status_code == 201
    assert problem(await confirm(client, code))["code"] == "email_taken"
    assert len((await client.get("/api/session")).json()["memberships"]) == 1


@pytest.mark.parametrize("column", ["status = 'suspended'", "platform_role = 'admin'"])
async def test_an_invited_account_that_an_admin_has_decided_about_keeps_its_address(
    app: RunningApp, column: str
) -> None:
    client = await app.signed_in(OLD)
    await app.invitation(NEW)
    await app.execute(f"UPDATE users SET {column} WHERE email = $1", NEW)  # noqa: S608
    assert (await ask(client, "email_change", NEW)).status_code == 202
    assert await app.mails() == []


async def test_an_address_that_was_taken_after_the_request_is_refused(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    code = code_in(await request_change(either, client))
    await either.user(NEW)
    assert problem(await confirm(client, code))["code"] == "email_taken"
    assert await is_signed_in(client)


async def test_the_code_works_only_in_a_session_of_the_user_who_requested_it(either: RunningApp) -> None:
    client, eve = await either.signed_in(OLD), await either.signed_in("eve@example.org")
    code = code_in(await request_change(either, client))
    for stranger in (either.client(), eve):
        assert problem(await confirm(stranger, code))["code"] == "key_not_usable"
    assert (await confirm(client, code)).status_code == 201


async def test_5_wrong_codes_void_the_code(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    code = code_in(await request_change(either, client))
    for tried in [*[wrong(code)] * 5, code]:
        assert problem(await confirm(client, tried))["code"] == "key_not_usable"


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (600, 410)])
async def test_the_code_expires_after_10_minutes(either: RunningApp, seconds: int, status: int) -> None:
    client = await either.signed_in(OLD)
    code = code_in(await request_change(either, client))
    either.clock.forward(seconds=seconds)
    assert (await confirm(client, code)).status_code == status


async def test_one_of_two_concurrent_changes_to_the_same_address_succeeds(either: RunningApp) -> None:
    clients = [await either.signed_in(f"user{number}@example.org") for number in range(2)]
    codes = []
    for client in clients:
        codes.append(code_in(await request_change(either, client)))
        either.clock.forward(seconds=30)
    answers = await at_once(2, lambda number: confirm(clients[number], codes[number]))
    assert sorted(answer.status_code for answer in answers) == [201, 410]
    taken = await either.resources.database.pool.fetchval("SELECT count(*) FROM users WHERE email = $1", NEW)
    assert taken == 1


async def test_the_mails_are_in_the_locale_of_the_user(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    await client.patch("/api/users/me", json={"locale": "de"})
    notice = await change_address(either, client)
    assert [message["Content-Language"] for message in await either.mails()] == ["de", "de"]
    assert "holen Sie Ihr Konto" in text_of(notice)
