"""Changing the address: the new one is proved, the old one is told and can take the account back for a week."""

from email.message import EmailMessage

import httpx
import pytest

from tests.support.app import CREDENTIALS, RunningApp, is_signed_in, problem
from tests.support.mailbox import ask, code_in, mailed, redeem, text_of, token_in, wrong
from tests.support.races import at_once

OLD, NEW = "ada@example.org", "ada@new.example.org"


async def asked(app: RunningApp, client: httpx.AsyncClient, address: str = NEW) -> EmailMessage:
    """Ask to change the address, and give the mail to the new one."""
    assert (await ask(client, "email_change", address)).status_code == 202
    message = (await app.mails())[-1]
    assert message["To"] == address
    return message


async def confirm(client: httpx.AsyncClient, code: str, address: str = NEW) -> httpx.Response:
    return await redeem(client, purpose="email_change", email=address, code=code)


async def changed(app: RunningApp, client: httpx.AsyncClient, address: str = NEW) -> EmailMessage:
    """Change the address, and give the mail that tells the old one."""
    assert (await confirm(client, code_in(await asked(app, client, address)), address)).status_code == 201
    return (await app.mails())[-1]


async def test_the_code_in_the_mail_to_the_new_address_changes_it(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    other = either.with_cookie(await either.token((await client.get("/api/users/me")).json()["id"]))
    answer = await confirm(client, code_in(await asked(either, client, "Ada@new.example.org")))
    assert (answer.status_code, answer.json()["user"]["email"]) == (201, "Ada@new.example.org")
    assert await is_signed_in(client)
    assert not await is_signed_in(other)
    primary = (await client.get("/api/keys")).json()["items"][0]
    assert primary["identifier"] == NEW


async def test_from_then_on_the_new_address_signs_in_and_the_old_one_does_not(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    await changed(either, client)
    either.clock.forward(seconds=30)
    sent = len(await either.mails())
    await ask(either.client(), "sign_in", OLD)
    await ask(either.client(), "sign_in", NEW)
    assert [message["To"] for message in (await either.mails())[sent:]] == [NEW]


async def test_the_secret_stays(app: RunningApp) -> None:
    client = await app.signed_in(OLD)
    await changed(app, client)
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 401
    assert (await app.client().post("/api/session", json={**CREDENTIALS, "email": NEW})).status_code == 201


async def test_the_keys_of_the_old_address_die_with_it(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    sign_in = await mailed(either, "sign_in", OLD)
    await changed(either, client)
    assert (await redeem(either.client(), token=token_in(sign_in))).status_code == 410


async def test_the_old_address_is_told_and_its_link_undoes_the_change(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    told = await changed(either, client)
    assert told["To"] == OLD
    assert NEW in text_of(told)
    assert "for 7 days" in text_of(told)

    owner = either.client()
    answer = await redeem(owner, token=token_in(told))
    assert (answer.status_code, answer.json()["user"]["email"]) == (201, OLD)
    assert await is_signed_in(owner)
    assert not await is_signed_in(client)
    assert (await redeem(either.client(), token=token_in(told))).status_code == 410


async def test_undoing_clears_a_secret_that_a_thief_may_have_set(app: RunningApp) -> None:
    client = await app.signed_in(OLD)
    told = await changed(app, client)
    secret = "a thief has chosen this one"
    assert (await client.put("/api/keys/primary/secret", json={"secret": secret})).status_code == 204
    assert (await redeem(app.client(), token=token_in(told))).status_code == 201
    for email in (OLD, NEW):
        answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": email, "secret": secret})
        assert answer.status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 410)])
async def test_the_undo_ends_exactly_after_seven_days(either: RunningApp, seconds: int, status: int) -> None:
    told = await changed(either, await either.signed_in(OLD))
    either.clock.forward(days=7, seconds=seconds)
    assert (await redeem(either.client(), token=token_in(told))).status_code == status


async def test_undoing_the_first_of_two_changes_voids_the_undo_of_the_second(app: RunningApp) -> None:
    client = await app.signed_in(OLD)
    to_owner = await changed(app, client)
    to_thief = await changed(app, client, "mallory@example.org")
    assert (await redeem(app.client(), token=token_in(to_owner))).json()["user"]["email"] == OLD
    assert (await redeem(app.client(), token=token_in(to_thief))).status_code == 410


async def test_only_who_is_signed_in_and_has_proved_it_lately_can_ask(either: RunningApp) -> None:
    assert problem(await ask(either.client(), "email_change", NEW))["code"] == "not_signed_in"
    client = await either.signed_in(OLD)
    either.clock.forward(minutes=15, seconds=1)
    assert problem(await ask(client, "email_change", NEW))["code"] == "reauthentication_required"
    assert await either.mails() == []


async def test_a_taken_address_gets_the_same_answer_and_no_mail(either: RunningApp) -> None:
    await either.user("eve@example.org")
    client = await either.signed_in(OLD)
    answer = await ask(client, "email_change", "Eve@example.org")
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert await either.mails() == []


async def test_an_address_that_was_taken_meanwhile_is_refused(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    code = code_in(await asked(either, client))
    await either.user(NEW)
    assert problem(await confirm(client, code))["code"] == "email_taken"
    assert await is_signed_in(client)


async def test_nobody_else_can_use_the_code(either: RunningApp) -> None:
    client, eve = await either.signed_in(OLD), await either.signed_in("eve@example.org")
    code = code_in(await asked(either, client))
    for stranger in (either.client(), eve):
        assert problem(await confirm(stranger, code))["code"] == "key_not_usable"
    assert (await confirm(client, code)).status_code == 201


async def test_five_wrong_codes_burn_the_code(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    code = code_in(await asked(either, client))
    for tried in [*[wrong(code)] * 5, code]:
        assert problem(await confirm(client, tried))["code"] == "key_not_usable"


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (600, 410)])
async def test_the_code_ends_exactly_after_ten_minutes(either: RunningApp, seconds: int, status: int) -> None:
    client = await either.signed_in(OLD)
    code = code_in(await asked(either, client))
    either.clock.forward(seconds=seconds)
    assert (await confirm(client, code)).status_code == status


async def test_of_two_users_who_want_one_address_at_once_one_gets_it(either: RunningApp) -> None:
    clients = [await either.signed_in(f"user{number}@example.org") for number in range(2)]
    codes = []
    for client in clients:
        codes.append(code_in(await asked(either, client)))
        either.clock.forward(seconds=30)
    answers = await at_once(2, lambda number: confirm(clients[number], codes[number]))
    assert sorted(answer.status_code for answer in answers) == [201, 410]
    taken = await either.resources.database.pool.fetchval("SELECT count(*) FROM users WHERE email = $1", NEW)
    assert taken == 1


async def test_the_mails_are_german_for_a_german_reader(either: RunningApp) -> None:
    client = await either.signed_in(OLD)
    await client.patch("/api/users/me", json={"locale": "de"})
    told = await changed(either, client)
    assert [message["Content-Language"] for message in await either.mails()] == ["de", "de"]
    assert "Änderung rückgängig machen: " in text_of(told)
