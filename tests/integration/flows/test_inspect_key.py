"""Inspecting a link: the answer names its purpose and the fields that redeeming needs, and consumes nothing."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, field_errors, problem, running, settings_for
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

ADDRESS = "ada@example.org"


@pytest.fixture
async def phone_app(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A service that requires the profile fields name and phone."""
    environ = {"SIGN_IN_METHODS": "code", "SIGN_UP": "open", "REQUIRED_PROFILE_FIELDS": "name,phone"}
    async with running(settings_for(database_url, **environ), app.clock) as phone_app:
        yield phone_app


async def inspect(app: RunningApp, token: str) -> httpx.Response:
    return await app.client().post("/api/keys/inspect", json={"token": token})


async def inspected(app: RunningApp, token: str) -> tuple[str, str | None, str | None, list[str], list[str]]:
    """Purpose, email, code of the language, needed and optional fields of the link."""
    body = (await inspect(app, token)).json()
    return body["purpose"], body["email"], body["language"], body["needs"], body["optional"]


async def test_inspecting_a_link_does_not_consume_the_key(either: RunningApp) -> None:
    await either.user(ADDRESS)
    message = await mailed(either, "sign_in")
    for _ in range(10):
        assert await inspected(either, token_in(message)) == ("sign_in", ADDRESS, None, [], [])
    answer = await redeem(either.client(), purpose="sign_in", email=ADDRESS, code=code_in(message))
    assert answer.status_code == 201


async def test_an_invitation_names_its_language_and_the_needed_fields(either: RunningApp) -> None:
    await either.language("de", "German")
    admin = await either.signed_in("root@example.org", admin=True)
    await admin.post("/api/languages/de/members", json={"email": ADDRESS})
    needs = ["name", "secret"] if either.settings.passwords else ["name"]
    token = token_in((await either.mails())[-1])
    assert (await inspect(either, token)).json()["languageName"] == "German"
    assert await inspected(either, token) == ("invitation", ADDRESS, "de", needs, ["phone", "locale"])


async def test_the_setup_link_needs_an_address_too(either: RunningApp) -> None:
    needs = ["email", "name", "secret"] if either.settings.passwords else ["email", "name"]
    assert await inspected(either, await either.setup_token()) == ("invitation", None, None, needs, ["phone", "locale"])


async def test_an_invited_person_is_asked_for_no_name_that_an_administrator_has_given(either: RunningApp) -> None:
    admin = await either.signed_in("root@example.org", admin=True)
    await admin.post("/api/users", json={"email": ADDRESS, "name": "Ada"})
    token = token_in((await either.mails())[-1])
    needs = ["secret"] if either.settings.passwords else []
    body = (await inspect(either, token)).json()
    assert (body["needs"], body["optional"], body["missing"]) == (needs, ["name", "phone", "locale"], [])
    assert "Ada" not in str(body)

    sent = {"secret": SECRET} if either.settings.passwords else {}
    session = (await redeem(either.client(), token=token, **sent)).json()
    assert (session["user"]["name"], session["onboarding"]["required"]) == ("Ada", False)


async def test_an_invited_person_may_correct_the_name_that_an_administrator_has_given(either: RunningApp) -> None:
    admin = await either.signed_in("root@example.org", admin=True)
    await admin.post("/api/users", json={"email": ADDRESS, "name": "Ada"})
    sent = {"secret": SECRET} if either.settings.passwords else {}
    answer = await redeem(either.client(), token=token_in((await either.mails())[-1]), name="Ada L.", **sent)
    assert answer.json()["user"]["name"] == "Ada L."


async def test_the_missing_fields_are_those_of_the_profile_that_the_user_has_not_filled(phone_app: RunningApp) -> None:
    app = phone_app
    admin = await app.signed_in("root@example.org", admin=True)
    await admin.post("/api/users", json={"email": ADDRESS, "name": "Ada"})
    invited = (await inspect(app, token_in((await app.mails())[-1]))).json()
    newcomer = (await inspect(app, token_in(await mailed(app, "sign_up", "eve@example.org")))).json()
    known = (await inspect(app, token_in(await mailed(app, "sign_in", "root@example.org")))).json()
    assert [body["missing"] for body in (invited, newcomer, known)] == [["phone"], ["name", "phone"], []]


async def test_a_sign_up_takes_the_profile_but_needs_no_field(open_app: RunningApp) -> None:
    token = token_in(await mailed(open_app, "sign_up", ADDRESS))
    assert await inspected(open_app, token) == ("sign_up", ADDRESS, None, [], ["name", "phone", "locale"])


async def test_a_password_reset_needs_the_secret(app: RunningApp) -> None:
    await app.user(ADDRESS)
    token = token_in(await mailed(app, "password_reset"))
    assert await inspected(app, token) == ("password_reset", ADDRESS, None, ["secret"], [])


async def test_an_undo_link_names_the_address_that_it_restores(either: RunningApp) -> None:
    client = await either.signed_in(ADDRESS)
    await ask(client, "email_change", "ada@new.example.org")
    code = code_in((await either.mails())[-1])
    await redeem(client, purpose="email_change", email="ada@new.example.org", code=code)
    token = token_in((await either.mails())[-1])
    assert await inspected(either, token) == ("email_change_undo", ADDRESS, None, [], [])


async def test_used_expired_and_unknown_links_get_the_same_code(either: RunningApp) -> None:
    await either.user(ADDRESS)
    used = token_in(await mailed(either, "sign_in"))
    assert (await redeem(either.client(), token=used)).status_code == 201
    either.clock.forward(seconds=30)
    expired = token_in(await mailed(either, "sign_in"))
    either.clock.forward(minutes=10)

    answers = [await inspect(either, token) for token in (used, expired, f"osk_{'A' * 43}")]
    distinct = {(body["status"], body["code"], body["detail"]) for body in map(problem, answers)}
    assert distinct == {(410, "key_not_usable", "Ask for a new one.")}


async def test_white_space_around_a_pasted_token_counts_for_nothing(app: RunningApp) -> None:
    token = f" {await app.invitation()}\r\n"
    assert (await inspect(app, token)).status_code == 200
    assert (await redeem(app.client(), token=token, name="Eve", secret=SECRET)).status_code == 201


@pytest.mark.parametrize("token", ["", "x", "osk_", f"osk_{'A' * 42}", f"osa_{'A' * 43}"])
async def test_a_malformed_token_is_a_422(app: RunningApp, token: str) -> None:
    assert field_errors(await inspect(app, token)) == {"token": "invalid_token"}
    assert field_errors(await redeem(app.client(), token=token, secret=SECRET)) == {"token": "invalid_token"}
