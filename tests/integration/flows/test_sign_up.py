"""Sign-up: the user is created when the address is proved, and no answer discloses whether an account exists."""

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.support.app import RunningApp, field_errors, is_signed_in, problem
from tests.support.mailbox import ask, code_in, flow_of, is_accepted, mailed, redeem, text_of, token_in, wrong
from tests.support.races import at_once

ADDRESS = "grace@example.org"
PROFILE = {"name": "Grace", "phone": "+4915112345678", "locale": "de-AT"}


async def users(app: RunningApp) -> list[tuple[str, str, str | None, str | None, bool]]:
    """Email, name, phone, locale, and whether the email is verified, of all users."""
    rows = await app.resources.database.pool.fetch("SELECT * FROM users ORDER BY email")
    columns = ("email", "name", "phone", "locale")
    return [(*(row[column] for column in columns), row["email_verified_at"] is not None) for row in rows]


@pytest.mark.parametrize("method", ["code", "link"])
async def test_a_code_or_a_link_creates_the_user_and_signs_in(open_app: RunningApp, method: str) -> None:
    message = await mailed(open_app, "sign_up", "Grace@Example.org")
    assert await users(open_app) == []
    by_code = {"purpose": "sign_up", "email": ADDRESS, "code": code_in(message)}
    client = open_app.client()
    answer = await redeem(client, **PROFILE, **(by_code if method == "code" else {"token": token_in(message)}))
    assert answer.status_code == 201
    assert answer.json()["session"]["method"] == method
    assert answer.json()["onboarding"] == {"required": False, "fields": []}
    assert await users(open_app) == [("Grace@example.org", "Grace", "+4915112345678", "de-AT", True)]
    assert await is_signed_in(client)


async def test_a_sign_up_without_a_name_requires_onboarding(open_app: RunningApp) -> None:
    answer = await redeem(open_app.client(), token=token_in(await mailed(open_app, "sign_up", ADDRESS)))
    assert answer.json()["onboarding"] == {"required": True, "fields": ["name"]}


async def test_sign_up_with_the_address_of_a_user_signs_in_and_keeps_the_profile(either: RunningApp) -> None:
    await either.user(ADDRESS, name="Grace")
    message = await mailed(either, "sign_up", ADDRESS)
    assert "is your code for" in message["Subject"]
    by_code = {"purpose": "sign_up", "email": ADDRESS, "code": code_in(message)}
    answer = await redeem(either.client(), **by_code, **{**PROFILE, "name": "Mallory"})
    assert (answer.status_code, answer.json()["user"]["name"]) == (201, "Grace")
    assert len(await users(either)) == 1


async def test_a_suspended_user_gets_the_same_answer_and_no_mail(either: RunningApp) -> None:
    await suspend_user(OPERATOR, either.resources, await either.user(ADDRESS))
    answer = await ask(either.client(), "sign_up", ADDRESS)
    assert is_accepted(answer)
    assert await either.mails() == []


async def test_closed_sign_up_mails_a_notice_and_issues_no_key(app: RunningApp) -> None:
    message = await mailed(app, "sign_up", ADDRESS)
    assert (message["To"], message["Subject"]) == (ADDRESS, "Signing up at Ostiary")
    assert "open to invited people only" in text_of(message)
    assert "#token=" not in text_of(message)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM keys") == 0


async def test_5_wrong_codes_void_the_code(open_app: RunningApp) -> None:
    code = code_in(await mailed(open_app, "sign_up", ADDRESS))
    for tried in [*[wrong(code)] * 5, code]:
        answer = await redeem(open_app.client(), purpose="sign_up", email=ADDRESS, code=tried)
        assert problem(answer)["code"] == "key_not_usable"
    assert await users(open_app) == []


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (600, 410)])
async def test_a_link_expires_after_10_minutes(open_app: RunningApp, seconds: int, status: int) -> None:
    token = token_in(await mailed(open_app, "sign_up", ADDRESS))
    open_app.clock.forward(seconds=seconds)
    assert (await redeem(open_app.client(), token=token)).status_code == status


async def test_a_request_of_somebody_else_leaves_the_newcomers_code_and_link_usable(open_app: RunningApp) -> None:
    first, flow = await mailed(open_app, "sign_up", ADDRESS), flow_of("sign_up", ADDRESS)
    open_app.clock.forward(seconds=30)
    await mailed(open_app, "sign_up", ADDRESS)
    sent = {"purpose": "sign_up", "email": ADDRESS, "code": code_in(first), "flow": flow, "name": "Grace"}
    assert (await redeem(open_app.client(), **sent)).json()["user"]["name"] == "Grace"


async def test_one_of_6_concurrent_uses_creates_the_user(open_app: RunningApp) -> None:
    message = await mailed(open_app, "sign_up", ADDRESS)
    uses = [{"token": token_in(message)}, {"purpose": "sign_up", "email": ADDRESS, "code": code_in(message)}] * 3
    answers = await at_once(6, lambda number: redeem(open_app.client(), **uses[number]))
    assert sorted(answer.status_code for answer in answers) == [201] + [410] * 5
    assert len(await users(open_app)) == 1


async def test_an_account_that_was_created_after_the_request_is_not_taken_over(open_app: RunningApp) -> None:
    token = token_in(await mailed(open_app, "sign_up", ADDRESS))
    await open_app.user(ADDRESS, name="Grace")
    assert problem(await redeem(open_app.client(), token=token))["code"] == "key_not_usable"
    assert [name for _, name, *_ in await users(open_app)] == ["Grace"]


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"email": "grace"}, {"email": "invalid_email"}),
        ({"email": ADDRESS, "name": "Grace"}, {"name": "unknown_field"}),
        ({"email": ADDRESS, "phone": "+4915112345678"}, {"phone": "unknown_field"}),
        ({"email": ADDRESS, "platformRole": "admin"}, {"platformRole": "unknown_field"}),
    ],
)
async def test_a_request_takes_an_address_and_no_profile(
    open_app: RunningApp, sent: dict[str, str], errors: dict[str, str]
) -> None:
    assert field_errors(await ask(open_app.client(), "sign_up", **sent)) == errors
    assert await open_app.mails() == []


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"name": ""}, {"name": "too_short"}),
        ({"phone": "0151 1234"}, {"phone": "invalid"}),
        ({"locale": "de_DE"}, {"locale": "invalid"}),
        ({"platformRole": "admin"}, {"platformRole": "unknown_field"}),
    ],
)
async def test_a_malformed_profile_is_a_422_and_leaves_the_link_usable(
    open_app: RunningApp, sent: dict[str, str], errors: dict[str, str]
) -> None:
    token = token_in(await mailed(open_app, "sign_up", ADDRESS))
    assert field_errors(await redeem(open_app.client(), token=token, **sent)) == errors
    assert (await redeem(open_app.client(), token=token, **PROFILE)).status_code == 201
