"""Sign-in with a mailed code or link: expiry, attempts, rate limits, and the same answer for every address."""

import msgspec
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from app.domain.flows.request_key import KeyJob, issue_requested_key
from app.jobs.worker import Attempt
from app.postgres.base import new_id
from tests.support.app import (
    CREDENTIALS,
    SECRET,
    RunningApp,
    field_errors,
    is_signed_in,
    problem,
    running,
    settings_for,
)
from tests.support.guesses import spend
from tests.support.mailbox import ask, code_in, mailed, redeem, text_of, token_in, wrong

ADDRESS = "ada@example.org"


async def test_a_code_signs_in(either: RunningApp) -> None:
    await either.user(ADDRESS)
    message = await mailed(either, "sign_in", "ADA@example.org")
    client = either.client()
    answer = await client.post("/api/session", json={"method": "code", "email": ADDRESS, "code": code_in(message)})
    assert answer.status_code == 201
    assert (answer.json()["user"]["email"], answer.json()["session"]["method"]) == (ADDRESS, "code")
    assert message["To"] == ADDRESS
    assert message["Subject"].startswith(code_in(message))
    assert await is_signed_in(client)


async def test_a_link_signs_in(either: RunningApp) -> None:
    await either.user(ADDRESS)
    client, token = either.client(), token_in(await mailed(either, "sign_in"))
    answer = await client.post("/api/session", json={"method": "link", "token": token})
    assert (answer.status_code, answer.json()["session"]["method"]) == (201, "link")
    assert await is_signed_in(client)


async def test_using_the_code_or_the_link_of_a_mail_consumes_both(app: RunningApp) -> None:
    await app.user(ADDRESS)
    message = await mailed(app, "sign_in")
    by_code = {"purpose": "sign_in", "email": ADDRESS, "code": code_in(message)}
    assert (await redeem(app.client(), token=token_in(message))).status_code == 201
    assert problem(await redeem(app.client(), **by_code))["code"] == "key_not_usable"

    app.clock.forward(seconds=30)
    message = await mailed(app, "sign_in")
    assert (await redeem(app.client(), **{**by_code, "code": code_in(message)})).status_code == 201
    assert problem(await redeem(app.client(), token=token_in(message)))["code"] == "key_not_usable"


async def test_every_address_gets_the_same_answer_and_only_active_users_get_mail(either: RunningApp) -> None:
    await either.user(ADDRESS)
    await suspend_user(OPERATOR, either.resources, await either.user("suspended@example.org"))
    answers = [
        await ask(either.client(), "sign_in", address)
        for address in (ADDRESS, "suspended@example.org", "unknown@example.org")
    ]
    assert {(answer.status_code, answer.text, *sorted(answer.headers)) for answer in answers} == {
        (202, '{"status":"accepted"}', *sorted(answers[0].headers))
    }
    assert [message["To"] for message in await either.mails()] == [ADDRESS]


async def test_5_wrong_codes_void_the_code_but_not_the_link(either: RunningApp) -> None:
    await either.user(ADDRESS)
    message = await mailed(either, "sign_in")
    guess = {"method": "code", "email": ADDRESS}
    for _ in range(5):
        answer = await either.client().post("/api/session", json={**guess, "code": wrong(code_in(message))})
        assert problem(answer)["code"] == "key_not_usable"
    answer = await either.client().post("/api/session", json={**guess, "code": code_in(message)})
    assert problem(answer)["code"] == "key_not_usable"
    assert (await redeem(either.client(), token=token_in(message))).status_code == 201


async def test_the_right_code_signs_in_at_the_fifth_attempt(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    for _ in range(4):
        await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=wrong(code))
    assert (await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=code)).status_code == 201


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (600, 410)])
async def test_code_and_link_expire_after_10_minutes(app: RunningApp, seconds: int, status: int) -> None:
    await app.user("ada@example.org")
    await app.user("eve@example.org")
    code, token = code_in(await mailed(app, "sign_in")), token_in(await mailed(app, "sign_in", "eve@example.org"))
    app.clock.forward(seconds=seconds)
    by_code = await redeem(app.client(), purpose="sign_in", email="ada@example.org", code=code)
    by_link = await redeem(app.client(), token=token)
    assert (by_code.status_code, by_link.status_code) == (status, status)


async def test_a_new_mail_voids_the_previous_code_and_link(either: RunningApp) -> None:
    await either.user(ADDRESS)
    first = await mailed(either, "sign_in")
    either.clock.forward(seconds=30)
    second = await mailed(either, "sign_in")
    assert (await redeem(either.client(), token=token_in(first))).status_code == 410
    stale = await redeem(either.client(), purpose="sign_in", email=ADDRESS, code=code_in(first))
    assert stale.status_code == 410
    fresh = await redeem(either.client(), purpose="sign_in", email=ADDRESS, code=code_in(second))
    assert fresh.status_code == 201


@pytest.mark.parametrize("address", [ADDRESS, "unknown@example.org"])
async def test_an_address_gets_1_mail_in_30_seconds(app: RunningApp, address: str) -> None:
    await app.user(ADDRESS)
    assert (await ask(app.client(), "sign_in", address)).status_code == 202
    refused = await ask(app.client(), "sign_up", address.upper())
    assert (problem(refused)["code"], refused.headers["retry-after"]) == ("too_many_requests", "30")
    app.clock.forward(seconds=29)
    assert (await ask(app.client(), "sign_in", address)).headers["retry-after"] == "1"
    app.clock.forward(seconds=1)
    assert (await ask(app.client(), "sign_in", address)).status_code == 202


async def test_an_address_gets_5_mails_in_1_hour(app: RunningApp) -> None:
    for _ in range(5):
        assert (await ask(app.client(), "sign_in")).status_code == 202
        app.clock.forward(seconds=30)
    refused = await ask(app.client(), "sign_in")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3450")
    app.clock.forward(seconds=3450)
    assert (await ask(app.client(), "sign_in")).status_code == 202


@pytest.mark.parametrize("pasted", ["{} {}", " {}{}\n", "{}-{}", "{}\u00a0{}"])
async def test_a_code_signs_in_as_people_paste_it(app: RunningApp, pasted: str) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    text = pasted.format(code[:4], code[4:])
    answer = await app.client().post("/api/session", json={"method": "code", "email": ADDRESS, "code": text})
    assert answer.status_code == 201, answer.text


async def test_a_code_in_full_width_digits_is_redeemed(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    full_width = "".join(chr(0xFF10 + int(digit)) for digit in code)
    assert (await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=full_width)).status_code == 201


@pytest.mark.parametrize("code", ["", "1234567", "123456789", "1234567x", "1234.5678", "1234567²"])
async def test_a_malformed_code_is_a_422_and_not_counted_as_an_attempt(app: RunningApp, code: str) -> None:
    await app.user(ADDRESS)
    right = code_in(await mailed(app, "sign_in"))
    for _ in range(5):
        answer = await app.client().post("/api/session", json={"method": "code", "email": ADDRESS, "code": code})
        assert field_errors(answer) == {"code": "invalid_code"}
    assert (await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=right)).status_code == 201


async def test_a_code_reauthenticates_a_session(either: RunningApp) -> None:
    client = await either.signed_in(ADDRESS)
    before = client.cookies["auth_session"]
    either.clock.forward(minutes=16)
    stale = await ask(client, "email_change", "ada@new.example.org")
    assert problem(stale)["code"] == "reauthentication_required"

    code = code_in(await mailed(either, "sign_in"))
    answer = await client.post("/api/session/reauthentication", json={"method": "code", "code": code})
    assert answer.status_code == 200
    assert not await is_signed_in(either.with_cookie(before))
    assert (await ask(client, "email_change", "ada@new.example.org")).status_code == 202


async def test_the_code_of_another_user_does_not_reauthenticate_a_session(app: RunningApp) -> None:
    await app.user("eve@example.org")
    client = await app.signed_in(ADDRESS)
    code = code_in(await mailed(app, "sign_in", "eve@example.org"))
    answer = await client.post("/api/session/reauthentication", json={"method": "code", "code": code})
    assert problem(answer)["code"] == "key_not_usable"
    assert (await redeem(app.client(), purpose="sign_in", email="eve@example.org", code=code)).status_code == 201


async def test_the_mail_is_in_the_locale_of_the_user(either: RunningApp) -> None:
    client = await either.signed_in(ADDRESS)
    assert (await client.patch("/api/users/me", json={"locale": "de-AT"})).status_code == 200
    message = await mailed(either, "sign_in")
    assert message["Content-Language"] == "de"
    assert "ist Ihr Code für" in message["Subject"]


async def test_after_100_wrong_guesses_in_a_row_a_mail_has_no_code_until_the_user_has_signed_in(
    app: RunningApp,
) -> None:
    await app.user(ADDRESS)
    await spend(app, "guess_by_account_consecutive", ADDRESS)
    message = await mailed(app, "sign_in")
    assert message["Subject"] == "Your link to sign in at Ostiary"
    assert "There is no code this time" in text_of(message)
    assert (await redeem(app.client(), token=token_in(message))).status_code == 201
    await app.resources.background.flush()

    app.clock.forward(seconds=30)
    assert code_in(await mailed(app, "sign_in"))


async def test_no_route_accepts_a_secret_if_passwords_are_disabled(open_app: RunningApp) -> None:
    client = await open_app.signed_in(ADDRESS)
    answers = [
        await client.post("/api/session", json=CREDENTIALS),
        await client.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET}),
        await client.put("/api/keys/primary/secret", json={"secret": SECRET}),
        await ask(client, "password_reset"),
    ]
    assert [problem(answer)["code"] for answer in answers] == ["method_disabled"] * 4


async def test_no_code_is_mailed_or_accepted_if_codes_are_disabled(app: RunningApp, database_url: str) -> None:
    await app.user(ADDRESS)
    message = await mailed(app, "sign_in")
    async with running(settings_for(database_url, SIGN_IN_METHODS="password"), app.clock) as passwords:
        client = passwords.client()
        assert problem(await ask(client, "sign_in"))["code"] == "method_disabled"
        used = [
            await client.post("/api/session", json={"method": "code", "email": ADDRESS, "code": code_in(message)}),
            await client.post("/api/session", json={"method": "link", "token": token_in(message)}),
        ]
        assert [problem(answer)["code"] for answer in used] == ["key_not_usable"] * 2


async def test_a_key_request_that_runs_twice_mails_one_code(app: RunningApp) -> None:
    """The worker was killed after it enqueued the mail and before it recorded the job as done: the job runs again."""
    await app.user(ADDRESS)
    job = KeyJob(purpose="sign_in", written=ADDRESS, unique=ADDRESS, user_id=None, name="", phone=None)
    attempt = Attempt(new_id(), msgspec.json.encode(job), app.clock())
    await issue_requested_key(app.resources, attempt)
    (message,) = await app.mails()
    await issue_requested_key(app.resources, attempt)
    assert len(await app.mails()) == 1
    by_code = {"purpose": "sign_in", "email": ADDRESS, "code": code_in(message)}
    assert (await redeem(app.client(), **by_code)).status_code == 201
