"""Denial of service, and free guesses: what a refused new secret does to the attempts of a code."""

import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors, problem
from tests.support.guesses import spend
from tests.support.mailbox import UNKNOWN_FLOW, code_in, mailed, redeem, token_in, wrong
from tests.support.races import at_once

ADDRESS, NAME = "ada@example.org", "Countess Lovelace"
NEW_SECRET = "eleven boats below the bridge"
RESET = {"purpose": "password_reset", "email": ADDRESS}
# The first needs no account to be refused; the second is made from the user's name, which only the account tells.
REFUSED_FOR_ALL, REFUSED_FOR_USER = "passwordpassword", "Countess Lovelace 1"
REFUSALS = [("short", "too_short"), (REFUSED_FOR_ALL, "too_guessable"), (ADDRESS, "derived_secret")]
LIVE = "SELECT attempts_left FROM keys WHERE kind = 'single_use' AND used_at IS NULL"


async def attempts_left(app: RunningApp) -> int:
    left: int = await app.resources.database.pool.fetchval(LIVE)
    return left


@pytest.fixture
async def code(app: RunningApp) -> str:
    await app.user(ADDRESS, name=NAME)
    return code_in(await mailed(app, "password_reset"))


@pytest.mark.parametrize(("secret", "error"), [*REFUSALS, (REFUSED_FOR_USER, "derived_secret")])
async def test_ten_refused_secrets_leave_a_right_code_and_its_attempts(
    app: RunningApp, code: str, secret: str, error: str
) -> None:
    for _ in range(10):
        assert field_errors(await redeem(app.client(), **RESET, code=code, secret=secret)) == {"secret": error}
        await app.resources.background.flush()
    assert await attempts_left(app) == 5
    assert (await redeem(app.client(), **RESET, code=code, secret=NEW_SECRET)).status_code == 201
    signed_in = await app.client().post("/api/session", json={**CREDENTIALS, "secret": NEW_SECRET})
    assert signed_in.status_code == 201


async def test_a_missing_or_unknown_field_gives_the_attempt_of_a_right_code_back(app: RunningApp, code: str) -> None:
    for _ in range(6):
        assert field_errors(await redeem(app.client(), **RESET, code=code)) == {"secret": "missing"}
        sent = {"secret": NEW_SECRET, "phone": "+4915112345678"}
        assert field_errors(await redeem(app.client(), **RESET, code=code, **sent)) == {"phone": "unknown_field"}
    assert await attempts_left(app) == 5


@pytest.mark.parametrize("secret", [NEW_SECRET, REFUSED_FOR_USER])
async def test_a_wrong_code_takes_an_attempt_whatever_the_account_says_of_the_secret(
    app: RunningApp, code: str, secret: str
) -> None:
    for left in (4, 3, 2, 1, 0):
        answer = await redeem(app.client(), **RESET, code=wrong(code), secret=secret)
        assert problem(answer)["code"] == "key_not_usable"
        assert await attempts_left(app) == left
    assert problem(await redeem(app.client(), **RESET, code=code, secret=NEW_SECRET))["code"] == "key_not_usable"


@pytest.mark.parametrize(("secret", "error"), REFUSALS)
async def test_a_secret_that_is_refused_for_all_tells_nothing_of_the_code_and_is_no_guess(
    app: RunningApp, code: str, secret: str, error: str
) -> None:
    answers = [await redeem(app.client(), **RESET, code=tried, secret=secret) for tried in [*[wrong(code)] * 29, code]]
    told = [{**problem(answer), "instance": ""} for answer in answers]
    assert told == [told[0]] * 30
    assert field_errors(answers[0]) == {"secret": error}
    assert await attempts_left(app) == 5
    assert await spend(app, "guess_by_account_strangers") == 25


async def test_codes_that_are_guessed_with_refused_secrets_are_compared_five_times_at_most(
    app: RunningApp, code: str
) -> None:
    """Each guess is a wrong code with a secret that only the account refuses: the answer tells right from wrong."""
    guesses = [f"{(int(code) + 1 + number) % 10**8:08}" for number in range(20)]
    answers = await at_once(20, lambda number: redeem(app.client(), **RESET, code=guesses[number], secret=NAME + "!!"))
    assert {answer.status_code for answer in answers} == {410}
    assert await attempts_left(app) == 0
    right = await redeem(app.client(), **RESET, code=code, secret=REFUSED_FOR_USER)
    assert problem(right)["code"] == "key_not_usable"
    assert await attempts_left(app) == 0


async def test_right_codes_with_refused_secrets_at_once_give_back_no_more_attempts_than_they_take(
    app: RunningApp, code: str
) -> None:
    await redeem(app.client(), **RESET, code=wrong(code), secret=NEW_SECRET)
    answers = await at_once(20, lambda _: redeem(app.client(), **RESET, code=code, secret=REFUSED_FOR_USER))
    assert {answer.status_code for answer in answers} <= {410, 422}
    assert await attempts_left(app) == 4


@pytest.mark.parametrize("known", [True, False])
async def test_a_refused_secret_gets_the_same_answer_for_addresses_without_an_account(
    app: RunningApp, known: bool
) -> None:
    if known:
        await app.user(ADDRESS)
    client = app.client()
    flow = (await client.post("/api/keys", json=RESET)).json()["flow"]
    await app.mails()
    answer = await redeem(client, **RESET, code="00000000", secret=REFUSED_FOR_ALL, flow=flow)
    assert field_errors(answer) == {"secret": "too_guessable"}
    unknown = await redeem(app.client(), **RESET, code="00000000", secret=REFUSED_FOR_ALL, flow=UNKNOWN_FLOW)
    assert problem(unknown)["code"] == "key_not_usable"


async def test_a_refused_secret_leaves_a_link_usable(app: RunningApp) -> None:
    await app.user(ADDRESS, name=NAME)
    token = token_in(await mailed(app, "password_reset"))
    for secret in (REFUSED_FOR_ALL, REFUSED_FOR_USER) * 5:
        assert (await redeem(app.client(), token=token, secret=secret)).status_code == 422
    assert (await redeem(app.client(), token=token, secret=SECRET[::-1])).status_code == 201
