"""Password reset: a mailed code or link sets a new secret, ends all sessions and voids all outstanding keys."""

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors, is_signed_in, problem
from tests.support.mailbox import ask, code_in, is_accepted, mailed, redeem, text_of, token_in, wrong

ADDRESS = "ada@example.org"
NEW_SECRET = "eleven boats below the bridge"


@pytest.mark.parametrize("method", ["code", "link"])
async def test_a_code_or_a_link_sets_a_new_secret_and_signs_in(app: RunningApp, method: str) -> None:
    await app.user(ADDRESS)
    message = await mailed(app, "password_reset")
    by_code = {"purpose": "password_reset", "email": ADDRESS, "code": code_in(message)}
    client = app.client()
    answer = await redeem(client, secret=NEW_SECRET, **(by_code if method == "code" else {"token": token_in(message)}))
    assert (answer.status_code, answer.json()["session"]["method"]) == (201, method)
    assert await is_signed_in(client)

    old = await app.client().post("/api/session", json=CREDENTIALS)
    assert problem(old)["code"] == "invalid_credentials"
    new = await app.client().post("/api/session", json={**CREDENTIALS, "secret": NEW_SECRET})
    assert new.status_code == 201


async def test_a_reset_ends_all_sessions_voids_outstanding_keys_and_mails_a_notice(app: RunningApp) -> None:
    thief = await app.signed_in(ADDRESS)
    sign_in = await mailed(app, "sign_in")
    await ask(thief, "email_change", "mallory@example.org")
    change = (await app.mails())[-1]
    app.clock.forward(seconds=30)
    reset = await mailed(app, "password_reset")

    owner = app.client()
    assert (await redeem(owner, token=token_in(reset), secret=NEW_SECRET)).status_code == 201
    assert not await is_signed_in(thief)
    assert (await redeem(app.client(), token=token_in(sign_in))).status_code == 410
    renamed = await redeem(owner, purpose="email_change", email="mallory@example.org", code=code_in(change))
    assert renamed.status_code == 410
    notice = (await app.mails())[-1]
    assert (notice["To"], notice["Subject"]) == (ADDRESS, "Your password at Ostiary has changed")


async def test_a_refused_secret_leaves_the_link_usable(app: RunningApp) -> None:
    await app.user(ADDRESS, name="Countess Lovelace")
    token = token_in(await mailed(app, "password_reset"))
    assert field_errors(await redeem(app.client(), token=token)) == {"secret": "missing"}
    assert field_errors(await redeem(app.client(), token=token, secret="short")) == {"secret": "too_short"}
    for own in (ADDRESS, "Countess Lovelace 1"):
        assert field_errors(await redeem(app.client(), token=token, secret=own)) == {"secret": "derived_secret"}
    assert (await redeem(app.client(), token=token, secret=NEW_SECRET)).status_code == 201


async def test_suspended_and_unknown_users_get_the_same_answer_and_no_mail(app: RunningApp) -> None:
    await suspend_user(OPERATOR, app.resources, await app.user("suspended@example.org"))
    for address in ("suspended@example.org", "unknown@example.org"):
        answer = await ask(app.client(), "password_reset", address)
        assert is_accepted(answer)
    assert await app.mails() == []


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (600, 410)])
async def test_a_code_expires_after_10_minutes(app: RunningApp, seconds: int, status: int) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "password_reset"))
    app.clock.forward(seconds=seconds)
    sent = {"purpose": "password_reset", "email": ADDRESS, "code": code, "secret": NEW_SECRET}
    assert (await redeem(app.client(), **sent)).status_code == status


@pytest.mark.parametrize(("seconds", "status"), [(3599, 201), (3600, 410)])
async def test_a_link_expires_after_1_hour(app: RunningApp, seconds: int, status: int) -> None:
    await app.user(ADDRESS)
    token = token_in(await mailed(app, "password_reset"))
    app.clock.forward(seconds=seconds)
    assert (await redeem(app.client(), token=token, secret=NEW_SECRET)).status_code == status


async def test_5_wrong_codes_void_the_code(app: RunningApp) -> None:
    await app.user(ADDRESS)
    code = code_in(await mailed(app, "password_reset"))
    for tried in [*[wrong(code)] * 5, code]:
        sent = {"purpose": "password_reset", "email": ADDRESS, "code": tried, "secret": NEW_SECRET}
        assert problem(await redeem(app.client(), **sent))["code"] == "key_not_usable"


async def test_a_reset_voids_the_links_of_all_other_mails(app: RunningApp) -> None:
    await app.user(ADDRESS)
    first = token_in(await mailed(app, "password_reset"))
    app.clock.forward(seconds=30)
    second = token_in(await mailed(app, "password_reset"))
    assert (await redeem(app.client(), token=first, secret=NEW_SECRET)).status_code == 201
    assert (await redeem(app.client(), token=second, secret=NEW_SECRET)).status_code == 410


async def test_a_reset_sets_the_first_secret_of_a_user_without_one(app: RunningApp) -> None:
    await app.user(ADDRESS, secret=None)
    token = token_in(await mailed(app, "password_reset"))
    assert (await redeem(app.client(), token=token, secret=SECRET)).status_code == 201
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def test_the_mail_is_in_the_locale_of_the_user(app: RunningApp) -> None:
    client = await app.signed_in(ADDRESS)
    await client.patch("/api/users/me", json={"locale": "de"})
    message = await mailed(app, "password_reset")
    assert message["Content-Language"] == "de"
    assert "Oder verwenden Sie diesen Link:\n\nhttp://localhost:8000/redeem#token=" in text_of(message)


async def test_no_secret_can_be_reset_if_passwords_are_disabled(app: RunningApp, open_app: RunningApp) -> None:
    await app.user(ADDRESS)
    token = token_in(await mailed(app, "password_reset"))
    assert problem(await ask(open_app.client(), "password_reset"))["code"] == "method_disabled"
    used = await redeem(open_app.client(), token=token, secret=NEW_SECRET)
    assert problem(used)["code"] == "key_not_usable"
