"""Resetting a password: a new secret by link or code, after which nothing that was there before lets anybody in."""

import pytest

from tests.support.app import CREDENTIALS, SECRET, World, field_errors, is_signed_in, problem
from tests.support.mailbox import ask, code_in, mailed, redeem, text_of, token_in, wrong

ADDRESS = "ada@example.org"
NEW_SECRET = "eleven boats below the bridge"


@pytest.mark.parametrize("way", ["code", "link"])
async def test_the_reader_of_the_mail_sets_a_new_secret(world: World, way: str) -> None:
    await world.user(ADDRESS)
    message = await mailed(world, "password_reset")
    by_code = {"purpose": "password_reset", "email": ADDRESS, "code": code_in(message)}
    client = world.client()
    answer = await redeem(client, secret=NEW_SECRET, **(by_code if way == "code" else {"token": token_in(message)}))
    assert (answer.status_code, answer.json()["session"]["method"]) == (201, way)
    assert await is_signed_in(client)

    old = await world.client().post("/api/session", json=CREDENTIALS)
    assert problem(old)["code"] == "invalid_credentials"
    new = await world.client().post("/api/session", json={**CREDENTIALS, "secret": NEW_SECRET})
    assert new.status_code == 201


async def test_all_sessions_and_outstanding_keys_end_and_the_user_is_told(world: World) -> None:
    thief = await world.signed_in(ADDRESS)
    sign_in = await mailed(world, "sign_in")
    await ask(thief, "email_change", "mallory@example.org")
    change = (await world.mails())[-1]
    world.clock.forward(seconds=30)
    reset = await mailed(world, "password_reset")

    owner = world.client()
    assert (await redeem(owner, token=token_in(reset), secret=NEW_SECRET)).status_code == 201
    assert not await is_signed_in(thief)
    assert (await redeem(world.client(), token=token_in(sign_in))).status_code == 410
    renamed = await redeem(owner, purpose="email_change", email="mallory@example.org", code=code_in(change))
    assert renamed.status_code == 410
    told = (await world.mails())[-1]
    assert (told["To"], told["Subject"]) == (ADDRESS, "Your password at Ostiary has changed")


async def test_a_refused_secret_leaves_the_link_usable(world: World) -> None:
    await world.user(ADDRESS, name="Countess Lovelace")
    token = token_in(await mailed(world, "password_reset"))
    assert field_errors(await redeem(world.client(), token=token)) == {"secret": "missing"}
    assert field_errors(await redeem(world.client(), token=token, secret="short")) == {"secret": "too_short"}
    for own in (ADDRESS, "Countess Lovelace 1"):
        assert field_errors(await redeem(world.client(), token=token, secret=own)) == {"secret": "derived_secret"}
    assert (await redeem(world.client(), token=token, secret=NEW_SECRET)).status_code == 201


async def test_only_an_active_user_gets_mail_and_everybody_the_same_answer(world: World) -> None:
    await world.services.users.suspend(await world.user("suspended@example.org"))
    for address in ("suspended@example.org", "unknown@example.org"):
        answer = await ask(world.client(), "password_reset", address)
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert await world.mails() == []


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (600, 410)])
async def test_a_code_ends_exactly_after_ten_minutes(world: World, seconds: int, status: int) -> None:
    await world.user(ADDRESS)
    code = code_in(await mailed(world, "password_reset"))
    world.clock.forward(seconds=seconds)
    sent = {"purpose": "password_reset", "email": ADDRESS, "code": code, "secret": NEW_SECRET}
    assert (await redeem(world.client(), **sent)).status_code == status


@pytest.mark.parametrize(("seconds", "status"), [(3599, 201), (3600, 410)])
async def test_a_link_ends_exactly_after_an_hour(world: World, seconds: int, status: int) -> None:
    await world.user(ADDRESS)
    token = token_in(await mailed(world, "password_reset"))
    world.clock.forward(seconds=seconds)
    assert (await redeem(world.client(), token=token, secret=NEW_SECRET)).status_code == status


async def test_five_wrong_codes_burn_the_code(world: World) -> None:
    await world.user(ADDRESS)
    code = code_in(await mailed(world, "password_reset"))
    for tried in [*[wrong(code)] * 5, code]:
        sent = {"purpose": "password_reset", "email": ADDRESS, "code": tried, "secret": NEW_SECRET}
        assert problem(await redeem(world.client(), **sent))["code"] == "key_not_usable"


async def test_a_link_that_was_asked_for_before_another_is_void(world: World) -> None:
    await world.user(ADDRESS)
    first = token_in(await mailed(world, "password_reset"))
    world.clock.forward(seconds=30)
    second = token_in(await mailed(world, "password_reset"))
    assert (await redeem(world.client(), token=first, secret=NEW_SECRET)).status_code == 410
    assert (await redeem(world.client(), token=second, secret=NEW_SECRET)).status_code == 201


async def test_a_user_without_a_password_gets_one(world: World) -> None:
    await world.user(ADDRESS, secret=None)
    token = token_in(await mailed(world, "password_reset"))
    assert (await redeem(world.client(), token=token, secret=SECRET)).status_code == 201
    assert (await world.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def test_the_mail_is_german_for_a_german_reader(world: World) -> None:
    client = await world.signed_in(ADDRESS)
    await client.patch("/api/users/me", json={"locale": "de"})
    message = await mailed(world, "password_reset")
    assert message["Content-Language"] == "de"
    assert "Neues Passwort setzen: http://127.0.0.1:8000/redeem#token=" in text_of(message)


async def test_where_there_are_no_passwords_none_is_reset(world: World, open_world: World) -> None:
    await world.user(ADDRESS)
    token = token_in(await mailed(world, "password_reset"))
    assert problem(await ask(open_world.client(), "password_reset"))["code"] == "method_disabled"
    used = await redeem(open_world.client(), token=token, secret=NEW_SECRET)
    assert problem(used)["code"] == "key_not_usable"
