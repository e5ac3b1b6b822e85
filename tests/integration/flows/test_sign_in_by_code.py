"""Sign-in with a mailed code or link: expiry, attempts, rate limits, and the same answer for every address."""

import msgspec
import pytest

from app.audit import OPERATOR
from app.auth.flows import continued_or_new
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
from tests.support.mailbox import ask, by_code, code_in, flow_of, is_accepted, mailed, redeem, text_of, token_in, wrong

ADDRESS = "ada@example.org"


async def test_a_code_signs_in(either: RunningApp) -> None:
    await either.user(ADDRESS)
    message = await mailed(either, "sign_in", "ADA@example.org")
    client = either.client()
    answer = await client.post("/api/session", json=by_code(code_in(message)))
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
    assert (await redeem(app.client(), token=token_in(message))).status_code == 201
    used = await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=code_in(message))
    assert problem(used)["code"] == "key_not_usable"

    app.clock.forward(seconds=30)
    message = await mailed(app, "sign_in")
    answer = await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=code_in(message))
    assert answer.status_code == 201
    assert problem(await redeem(app.client(), token=token_in(message)))["code"] == "key_not_usable"


async def test_every_address_gets_the_same_answer_and_no_suspended_user_gets_mail(either: RunningApp) -> None:
    await either.user(ADDRESS)
    await suspend_user(OPERATOR, either.resources, await either.user("suspended@example.org"))
    answers = [
        await ask(either.client(), "sign_in", address)
        for address in (ADDRESS, "suspended@example.org", "unknown@example.org")
    ]
    assert all(is_accepted(answer) for answer in answers)
    assert len({(answer.json()["expiresIn"], *sorted(answer.headers)) for answer in answers}) == 1
    # Where everybody may sign up, an address without an account is told how.
    newcomers = ["unknown@example.org"] if either.settings.sign_up == "open" else []
    assert [message["To"] for message in await either.mails()] == [ADDRESS, *newcomers]


async def test_5_wrong_codes_void_the_code_but_not_the_link(either: RunningApp) -> None:
    await either.user(ADDRESS)
    message = await mailed(either, "sign_in")
    for _ in range(5):
        answer = await either.client().post("/api/session", json=by_code(wrong(code_in(message))))
        assert problem(answer)["code"] == "key_not_usable"
    answer = await either.client().post("/api/session", json=by_code(code_in(message)))
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
    with_code = await redeem(app.client(), purpose="sign_in", email="ada@example.org", code=code)
    with_link = await redeem(app.client(), token=token)
    assert (with_code.status_code, with_link.status_code) == (status, status)


async def test_a_new_mail_leaves_the_code_and_the_link_of_another_flow_usable(either: RunningApp) -> None:
    await either.user(ADDRESS)
    first, flow = await mailed(either, "sign_in"), flow_of("sign_in")
    either.clock.forward(seconds=30)
    second = await mailed(either, "sign_in")
    early = await redeem(either.client(), purpose="sign_in", email=ADDRESS, code=code_in(first), flow=flow)
    late = await redeem(either.client(), purpose="sign_in", email=ADDRESS, code=code_in(second))
    assert (early.status_code, late.status_code) == (201, 201)


async def test_asking_again_in_a_flow_voids_its_code_but_not_its_link(either: RunningApp) -> None:
    await either.user(ADDRESS)
    first = await mailed(either, "sign_in")
    either.clock.forward(seconds=30)
    second = await mailed(either, "sign_in", flow=flow_of("sign_in"))
    stale = await redeem(either.client(), purpose="sign_in", email=ADDRESS, code=code_in(first))
    assert problem(stale)["code"] == "key_not_usable"
    assert (await redeem(either.client(), token=token_in(first))).status_code == 201
    fresh = await redeem(either.client(), purpose="sign_in", email=ADDRESS, code=code_in(second))
    assert fresh.status_code == 201


async def test_a_new_code_of_a_flow_has_the_attempts_that_are_left(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    for _ in range(3):
        await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=wrong(code))
    app.clock.forward(seconds=30)
    code = code_in(await mailed(app, "sign_in", flow=flow_of("sign_in")))
    for tried in (wrong(code), wrong(code), code):
        assert (await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=tried)).status_code == 410
    app.clock.forward(seconds=30)
    message = await mailed(app, "sign_in", flow=flow_of("sign_in"))
    assert message["Subject"] == "Your link to sign in at Ostiary"
    assert (await redeem(app.client(), token=token_in(message))).status_code == 201


async def test_a_flow_gets_no_second_mail_within_30_seconds(app: RunningApp) -> None:
    await app.user(ADDRESS)
    asked = (await ask(app.client(), "sign_in")).json()
    assert (asked["resendAfter"], asked["expiresIn"]) == (30, 600)
    (message,) = await app.mails()
    app.clock.forward(seconds=29)
    await ask(app.client(), "sign_in", flow=asked["flow"])
    assert len(await app.mails()) == 1
    sent = {**by_code(code_in(message)), "flow": asked["flow"]}
    assert (await app.client().post("/api/session", json=sent)).status_code == 201


async def test_the_flow_in_the_cookie_needs_no_flow_in_the_body(app: RunningApp, database_url: str) -> None:
    await app.user(ADDRESS)
    browser = app.client()
    answer = await browser.post("/api/keys", json={"purpose": "sign_in", "email": ADDRESS})
    flow = answer.json()["flow"]
    assert answer.headers["set-cookie"] == f"auth_flow_sign_in={flow}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax"
    sent = {"method": "code", "email": ADDRESS, "code": code_in((await app.mails())[-1])}
    signed_in = await browser.post("/api/session", json=sent)
    assert signed_in.status_code == 201
    assert (await ask(browser, "sign_in")).json()["flow"] == flow

    with_host = running(
        settings_for(database_url, PUBLIC_URL="https://id.example.org", COOKIE_HOST_PREFIX="on"), app.clock
    )
    async with with_host as secure:
        answer = await ask(secure.client(Origin="https://id.example.org"), "sign_in")
    assert answer.headers["set-cookie"].startswith("__Host-auth_flow_sign_in=")
    assert answer.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")


async def test_a_code_without_a_flow_is_a_422(app: RunningApp) -> None:
    browser = await app.signed_in(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    for path, sent in (
        ("/api/session", {"method": "code", "email": ADDRESS, "code": code}),
        ("/api/session/reauthentication", {"method": "code", "code": code}),
        ("/api/keys/redeem", {"purpose": "sign_in", "email": ADDRESS, "code": code}),
    ):
        assert field_errors(await browser.post(path, json=sent)) == {"flow": "missing"}
    assert (await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=code)).status_code == 201


@pytest.mark.parametrize("pasted", ["{} {}", " {}{}\n", "{}-{}", "{}\u00a0{}"])
async def test_a_code_signs_in_as_people_paste_it(app: RunningApp, pasted: str) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "sign_in"))
    text = pasted.format(code[:4], code[4:])
    answer = await app.client().post("/api/session", json=by_code(text, ADDRESS))
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
        answer = await app.client().post("/api/session", json=by_code(code))
        assert field_errors(answer) == {"code": "invalid_code"}
    assert (await redeem(app.client(), purpose="sign_in", email=ADDRESS, code=right)).status_code == 201


async def test_a_code_reauthenticates_a_session(either: RunningApp) -> None:
    client = await either.signed_in(ADDRESS)
    before = client.cookies["auth_session"]
    either.clock.forward(minutes=16)
    stale = await ask(client, "email_change", "ada@new.example.org")
    assert problem(stale)["code"] == "reauthentication_required"

    code = code_in(await mailed(either, "sign_in"))
    answer = await client.post(
        "/api/session/reauthentication", json={"method": "code", "code": code, "flow": flow_of("sign_in")}
    )
    assert answer.status_code == 200
    assert client.cookies["auth_session"] != before
    either.clock.forward(seconds=10)
    assert not await is_signed_in(either.with_cookie(before))
    assert (await ask(client, "email_change", "ada@new.example.org")).status_code == 202


async def test_the_code_of_another_user_does_not_reauthenticate_a_session(app: RunningApp) -> None:
    await app.user("eve@example.org")
    client = await app.signed_in(ADDRESS)
    code = code_in(await mailed(app, "sign_in", "eve@example.org"))
    sent = {"method": "code", "code": code, "flow": flow_of("sign_in", "eve@example.org")}
    answer = await client.post("/api/session/reauthentication", json=sent)
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
            await client.post("/api/session", json=by_code(code_in(message))),
            await client.post("/api/session", json={"method": "link", "token": token_in(message)}),
        ]
        assert [problem(answer)["code"] for answer in used] == ["key_not_usable"] * 2


async def test_a_key_request_that_runs_twice_mails_one_code(app: RunningApp) -> None:
    """The worker was killed after it enqueued the mail and before it recorded the job as done: the job runs again."""
    await app.user(ADDRESS)
    flow = continued_or_new(app.resources.secret_key, None, ADDRESS, "sign_in", app.clock())
    job = KeyJob(purpose="sign_in", written=ADDRESS, unique=ADDRESS, user_id=None, flow_hash=flow.hash)
    attempt = Attempt(new_id(), msgspec.json.encode(job), app.clock())
    await issue_requested_key(app.resources, attempt)
    (message,) = await app.mails()
    await issue_requested_key(app.resources, attempt)
    assert len(await app.mails()) == 1
    sent = {"purpose": "sign_in", "email": ADDRESS, "code": code_in(message), "flow": flow.text}
    assert (await redeem(app.client(), **sent)).status_code == 201
