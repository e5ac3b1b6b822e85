"""Guessing with expired flows: a client gathers flows of many addresses, to guess past the limit of its network."""

import pytest

from tests.support.app import RunningApp
from tests.support.guesses import spend
from tests.support.mailbox import ask, code_in, flow_of, redeem

NETWORK = "127.0.0.1"
WRONG = "00000000"


async def _guess(app: RunningApp, email: str, flow: str, code: str = WRONG) -> int:
    return (await redeem(app.client(), purpose="sign_in", email=email, code=code, flow=flow)).status_code


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
@pytest.mark.parametrize(("seconds", "status"), [(599, 410), (600, 429), (30 * 86_400, 429)])
async def test_a_flow_that_is_older_than_a_code_works_does_not_escape_the_limit_of_the_network(
    app: RunningApp, email: str, seconds: int, status: int
) -> None:
    await app.user("ada@example.org")
    await ask(app.client(), "sign_in", email)
    app.clock.forward(seconds=seconds)
    await spend(app, "guess_by_client", NETWORK)

    assert await _guess(app, email, flow_of("sign_in", email)) == status


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
async def test_asking_again_renews_a_flow(app: RunningApp, email: str) -> None:
    await app.user("ada@example.org")
    await ask(app.client(), "sign_in", email)
    first = flow_of("sign_in", email)
    app.clock.forward(minutes=9)
    renewed = (await ask(app.client(), "sign_in", email, flow=first)).json()["flow"]
    app.clock.forward(minutes=9)
    await spend(app, "guess_by_client", NETWORK)

    assert [await _guess(app, email, flow) for flow in (first, renewed)] == [429, 410]


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
async def test_a_renewed_flow_has_no_more_guesses(app: RunningApp, email: str) -> None:
    await app.user("ada@example.org")
    flow = (await ask(app.client(), "sign_in", email)).json()["flow"]
    await spend(app, "guess_by_client", NETWORK)
    guessed = []
    for _ in range(6):
        guessed.append(await _guess(app, email, flow))
        flow = (await ask(app.client(), "sign_in", email, flow=flow)).json()["flow"]
        app.clock.forward(seconds=1)

    assert guessed == [410] * 5 + [429]


async def test_a_client_that_keeps_its_first_flow_uses_the_codes_of_later_requests_in_it(app: RunningApp) -> None:
    await app.user("ada@example.org")
    first = (await ask(app.client(), "sign_in")).json()["flow"]
    for minutes in (9, 9):
        app.clock.forward(minutes=minutes)
        await ask(app.client(), "sign_in", flow=first)
    code = code_in((await app.mails())[-1])
    app.clock.forward(minutes=9)

    assert await _guess(app, "ada@example.org", first, code) == 201
