"""Signing up: no user exists before the address is proved, and nobody learns who has an account."""

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.support.app import RunningApp, field_errors, is_signed_in, problem
from tests.support.mailbox import ask, code_in, mailed, redeem, text_of, token_in, wrong
from tests.support.races import at_once

ADDRESS = "grace@example.org"
PROFILE = {"name": "Grace", "phone": "+4915112345678"}


async def users(app: RunningApp) -> list[tuple[str, str, str | None, bool]]:
    rows = await app.resources.database.pool.fetch("SELECT * FROM users ORDER BY email")
    return [(row["email"], row["name"], row["phone"], row["email_verified_at"] is not None) for row in rows]


@pytest.mark.parametrize("way", ["code", "link"])
async def test_the_reader_of_the_mail_becomes_a_user(open_app: RunningApp, way: str) -> None:
    message = await mailed(open_app, "sign_up", "Grace@Example.org", **PROFILE)
    assert await users(open_app) == []
    by_code = {"purpose": "sign_up", "email": ADDRESS, "code": code_in(message)}
    client = open_app.client()
    answer = await redeem(client, **(by_code if way == "code" else {"token": token_in(message)}))
    assert answer.status_code == 201
    assert answer.json()["session"]["method"] == way
    assert answer.json()["onboarding"] == {"required": False, "fields": []}
    assert await users(open_app) == [("Grace@example.org", "Grace", "+4915112345678", True)]
    assert await is_signed_in(client)


async def test_without_a_name_the_profile_is_left_to_finish(open_app: RunningApp) -> None:
    answer = await redeem(open_app.client(), token=token_in(await mailed(open_app, "sign_up", ADDRESS)))
    assert answer.json()["onboarding"] == {"required": True, "fields": ["name"]}


async def test_an_address_with_an_account_gets_a_sign_in_that_changes_nothing(either: RunningApp) -> None:
    await either.user(ADDRESS, name="Grace")
    message = await mailed(either, "sign_up", ADDRESS, name="Mallory")
    assert "is your code for" in message["Subject"]
    answer = await redeem(either.client(), purpose="sign_up", email=ADDRESS, code=code_in(message))
    assert (answer.status_code, answer.json()["user"]["name"]) == (201, "Grace")
    assert len(await users(either)) == 1


async def test_a_suspended_user_gets_the_same_answer_and_no_mail(either: RunningApp) -> None:
    await suspend_user(OPERATOR, either.resources, await either.user(ADDRESS))
    answer = await ask(either.client(), "sign_up", ADDRESS, **PROFILE)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert await either.mails() == []


async def test_where_sign_up_is_closed_a_notice_says_so_by_mail(app: RunningApp) -> None:
    message = await mailed(app, "sign_up", ADDRESS, **PROFILE)
    assert (message["To"], message["Subject"]) == (ADDRESS, "Signing up at Ostiary")
    assert "open to invited people only" in text_of(message)
    assert "#token=" not in text_of(message)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys") == 0


async def test_five_wrong_codes_burn_the_code(open_app: RunningApp) -> None:
    code = code_in(await mailed(open_app, "sign_up", ADDRESS, **PROFILE))
    for tried in [*[wrong(code)] * 5, code]:
        answer = await redeem(open_app.client(), purpose="sign_up", email=ADDRESS, code=tried)
        assert problem(answer)["code"] == "key_not_usable"
    assert await users(open_app) == []


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (600, 410)])
async def test_a_sign_up_ends_exactly_after_ten_minutes(open_app: RunningApp, seconds: int, status: int) -> None:
    token = token_in(await mailed(open_app, "sign_up", ADDRESS, **PROFILE))
    open_app.clock.forward(seconds=seconds)
    assert (await redeem(open_app.client(), token=token)).status_code == status


async def test_asking_again_voids_the_mail_before(open_app: RunningApp) -> None:
    first = await mailed(open_app, "sign_up", ADDRESS, name="Typo")
    open_app.clock.forward(seconds=30)
    second = await mailed(open_app, "sign_up", ADDRESS, name="Grace")
    assert (await redeem(open_app.client(), token=token_in(first))).status_code == 410
    assert (await redeem(open_app.client(), token=token_in(second))).json()["user"]["name"] == "Grace"


async def test_of_many_uses_at_once_one_makes_the_user(open_app: RunningApp) -> None:
    message = await mailed(open_app, "sign_up", ADDRESS, **PROFILE)
    uses = [{"token": token_in(message)}, {"purpose": "sign_up", "email": ADDRESS, "code": code_in(message)}] * 3
    answers = await at_once(6, lambda number: redeem(open_app.client(), **uses[number]))
    assert sorted(answer.status_code for answer in answers) == [201] + [410] * 5
    assert len(await users(open_app)) == 1


async def test_an_account_made_meanwhile_is_not_taken_over(open_app: RunningApp) -> None:
    token = token_in(await mailed(open_app, "sign_up", ADDRESS, name="Mallory"))
    await open_app.user(ADDRESS, name="Grace")
    assert problem(await redeem(open_app.client(), token=token))["code"] == "key_not_usable"
    assert [name for _, name, _, _ in await users(open_app)] == ["Grace"]


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"email": "grace"}, {"email": "invalid_email"}),
        ({"email": ADDRESS, "name": ""}, {"name": "too_short"}),
        ({"email": ADDRESS, "phone": "0151 1234"}, {"phone": "invalid"}),
        ({"email": ADDRESS, "platformRole": "admin"}, {"platformRole": "unknown_field"}),
    ],
)
async def test_a_profile_that_is_not_acceptable_is_refused(
    open_app: RunningApp, sent: dict[str, str], errors: dict[str, str]
) -> None:
    assert field_errors(await ask(open_app.client(), "sign_up", **sent)) == errors
    assert await open_app.mails() == []
