"""Redeeming the links of invitations and of the setup over HTTP: success, refusals, and links that stay usable."""

from itertools import product

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.accept_invitation import new_setup_link
from app.domain.flows.administer_users import create_user_with_link
from app.errors import Problem
from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors, problem
from tests.support.hash_work import hashes_computed
from tests.support.mailbox import ask, code_in, mailed, secret_for, token_in
from tests.support.mailbox import redeem as redeem_with
from tests.support.races import at_once

Body = dict[str, str]
OPTIONAL = {"name", "phone", "locale"}


async def redeem(app: RunningApp, token: str, **sent: str) -> httpx.Response:
    body = {"token": token, "name": "Ada", "secret": SECRET, **sent}
    return await app.client().post("/api/keys/redeem", json=body)


def problem_code(response: httpx.Response) -> str:
    """The code of the problem, which sets no cookie."""
    assert "set-cookie" not in response.headers
    return problem(response)["code"]


async def test_the_setup_link_creates_the_first_platform_admin_and_signs_in(app: RunningApp) -> None:
    response = await redeem(app, await app.setup_token(), email="Root@Example.org")
    assert response.status_code == 201
    assert response.headers["location"] == "/api/session"
    assert "Max-Age=86400" in response.headers["set-cookie"]
    user = response.json()["user"]
    assert (user["email"], user["name"], user["platformRole"]) == ("Root@example.org", "Ada", "admin")
    assert response.json()["session"]["method"] == "link"
    assert await new_setup_link(OPERATOR, app.resources) is None


async def test_an_invited_user_sets_name_and_secret_and_is_onboarded(app: RunningApp) -> None:
    token = await app.invitation("ada@example.org")
    app.clock.forward(days=1)
    response = await redeem(app, token)
    assert response.status_code == 201
    assert response.json()["user"]["name"] == "Ada"
    assert response.json()["onboarding"] == {"required": False, "fields": []}
    assert (await app.client().post("/api/session", json=CREDENTIALS)).status_code == 201


async def test_an_invitation_and_the_setup_link_take_phone_and_locale(app: RunningApp) -> None:
    sent = {"phone": "+4915112345678", "locale": "de-AT"}
    assert (await redeem(app, await app.setup_token(), email="root@example.org", **sent)).status_code == 201
    assert (await redeem(app, await app.invitation("ada@example.org"), **sent)).status_code == 201
    rows = await app.resources.database.pool.fetch("SELECT phone, locale FROM users")
    assert [dict(row) for row in rows] == [sent] * 2


async def test_a_key_of_another_purpose_refuses_phone_and_locale_and_stays_usable(app: RunningApp) -> None:
    await app.user()
    token = token_in(await mailed(app, "sign_in"))
    refused = await app.client().post("/api/keys/redeem", json={"token": token, "phone": "+4915112345678"})
    assert field_errors(refused) == {"phone": "unknown_field"}
    assert (await app.client().post("/api/keys/redeem", json={"token": token})).status_code == 201


@pytest.mark.parametrize(
    ("purpose", "by"),
    [("email_change", "code"), *product(["sign_in", "sign_up", "password_reset"], ["code", "link"])],
)
async def test_a_field_that_the_purpose_does_not_take_is_refused_and_takes_no_attempt(
    open_app: RunningApp, app: RunningApp, purpose: str, by: str
) -> None:
    service, taken = (open_app, OPTIONAL) if purpose == "sign_up" else (app, secret_for(purpose).keys())
    address = "new@example.org" if purpose in ("sign_up", "email_change") else "ada@example.org"
    browser = await service.signed_in()
    await ask(browser, purpose, address)
    message = (await service.mails())[-1]
    by_code = {"purpose": purpose, "email": address, "code": code_in(message)}
    key = by_code if by == "code" else {"token": token_in(message)}
    values = {"name": "Grace", "phone": "+4915112345678", "locale": "de", "secret": SECRET}

    for field in values.keys() - taken:
        fields = secret_for(purpose) | {field: values[field]}
        assert field_errors(await redeem_with(browser, **key, **fields)) == {field: "unknown_field"}

    attempts = "SELECT attempts_left FROM keys WHERE purpose = $1"
    assert await service.resources.database.pool.fetchval(attempts, purpose) == 5
    assert (await redeem_with(browser, **key, **secret_for(purpose))).status_code == 201


async def test_a_wrong_code_with_a_secret_that_its_purpose_does_not_take_costs_no_estimate(app: RunningApp) -> None:
    browser = await app.signed_in()
    await ask(browser, "sign_in")
    await app.mails()
    before = hashes_computed(app.resources.hasher)
    sent = {"purpose": "sign_in", "email": "ada@example.org", "code": "00000000"}
    assert field_errors(await redeem_with(browser, **sent, secret=SECRET)) == {"secret": "unknown_field"}
    assert hashes_computed(app.resources.hasher) == before


async def test_the_session_of_an_invited_admin_has_the_expiry_of_admins(app: RunningApp) -> None:
    link = await create_user_with_link(OPERATOR, app.resources, "ada@example.org", "", "admin")
    response = await redeem(app, link.partition("#token=")[2])
    assert response.json()["user"]["platformRole"] == "admin"
    assert "Max-Age=86400" in response.headers["set-cookie"]


async def test_a_link_has_its_token_in_the_fragment(app: RunningApp) -> None:
    link = await new_setup_link(OPERATOR, app.resources)
    assert link is not None
    assert link.startswith("http://localhost:8000/redeem#token=osk_")


async def test_a_link_works_once(app: RunningApp) -> None:
    token = await app.setup_token()
    assert (await redeem(app, token, email="root@example.org")).status_code == 201
    assert problem_code(await redeem(app, token, email="root@example.org")) == "key_not_usable"


async def test_one_of_8_concurrent_uses_succeeds(app: RunningApp) -> None:
    token = await app.invitation("ada@example.org")
    answers = await at_once(8, lambda _: redeem(app, token))
    assert sorted(answer.status_code for answer in answers) == [201] + [410] * 7


async def test_a_link_expires_after_7_days(app: RunningApp) -> None:
    early, late = await app.invitation("ada@example.org"), await app.invitation("eve@example.org")
    app.clock.forward(days=7, seconds=-1)
    assert (await redeem(app, early)).status_code == 201
    app.clock.forward(seconds=1)
    assert problem_code(await redeem(app, late)) == "key_not_usable"


async def test_a_new_setup_link_voids_the_previous_link(app: RunningApp) -> None:
    first, second = await app.setup_token(), await app.setup_token()
    assert problem_code(await redeem(app, first, email="root@example.org")) == "key_not_usable"
    assert (await redeem(app, second, email="root@example.org")).status_code == 201


async def test_a_setup_link_is_not_usable_if_there_is_a_platform_admin(app: RunningApp) -> None:
    token = await app.setup_token()
    await app.user("root@example.org", admin=True)
    assert problem_code(await redeem(app, token, email="eve@example.org")) == "key_not_usable"


async def test_a_setup_link_cannot_take_over_an_account(app: RunningApp) -> None:
    await app.user("ada@example.org")
    token = await app.setup_token()
    assert problem_code(await redeem(app, token, email="ADA@example.org")) == "email_taken"
    assert (await redeem(app, token, email="root@example.org")).status_code == 201


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"email": "", "name": "", "secret": ""}, {"name": "too_short"}),
        ({"email": "", "secret": ""}, {"email": "missing", "secret": "missing"}),
        ({"email": "ada"}, {"email": "invalid_email"}),
        ({"email": "ada@example.org", "secret": "short"}, {"secret": "too_short"}),
        ({"email": "ada@example.org", "secret": "ada@example.org"}, {"secret": "derived_secret"}),
        ({"email": "ada@example.org", "name": "x" * 201}, {"name": "too_long"}),
        ({"email": "ada@example.org", "role": "admin"}, {"role": "unknown_field"}),
    ],
)
async def test_a_refused_value_leaves_the_link_usable(app: RunningApp, sent: Body, errors: Body) -> None:
    token = await app.setup_token()
    assert field_errors(await redeem(app, token, **sent)) == errors
    assert (await redeem(app, token, email="ada@example.org")).status_code == 201


async def test_an_invitation_needs_no_address_and_refuses_another_address(app: RunningApp) -> None:
    token = await app.invitation("ada@example.org")
    missing = await app.client().post("/api/keys/redeem", json={"token": token})
    assert field_errors(missing) == {"name": "missing", "secret": "missing"}
    assert problem_code(await redeem(app, token, email="eve@example.org")) == "key_not_usable"
    assert (await redeem(app, token, email="Ada@example.org")).status_code == 201


@pytest.mark.parametrize("token", ["", "osk_", "ost_" + "a" * 43, "osk_" + "a" * 44, "\u00fc"])
async def test_a_malformed_token_is_a_422(app: RunningApp, token: str) -> None:
    assert field_errors(await redeem(app, token)) == {"token": "invalid_token"}


async def test_an_unknown_and_a_used_token_get_the_same_answer(app: RunningApp) -> None:
    used = await app.invitation("ada@example.org")
    await redeem(app, used)
    answers = [problem(await redeem(app, token)) for token in (used, "osk_" + "a" * 43)]
    assert [(answer["code"], answer["detail"]) for answer in answers] == [("key_not_usable", "Ask for a new one.")] * 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET status = 'suspended'",
        "UPDATE keys SET secret_hash = 'x' WHERE kind = 'primary'",
        "UPDATE keys SET purpose = 'retired' WHERE kind = 'single_use'",
        "UPDATE keys SET user_id = NULL WHERE kind = 'single_use'",
        "DELETE FROM users",
    ],
    ids=["suspended", "has a secret", "purpose unknown", "without a user", "user deleted"],
)
async def test_an_invitation_is_not_usable_after_a_change_of_its_user_or_key(app: RunningApp, change: str) -> None:
    token = await app.invitation("ada@example.org")
    await app.resources.database.pool.execute(change)
    assert problem_code(await redeem(app, token)) == "key_not_usable"


async def test_an_address_cannot_be_invited_twice(app: RunningApp) -> None:
    await app.invitation("ada@example.org")
    with pytest.raises(Problem, match="There is a user with this address already"):
        await app.invitation("ADA@example.org")
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 1
