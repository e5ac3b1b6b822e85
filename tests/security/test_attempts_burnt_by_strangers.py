"""Denial of service: wrong guesses of strangers use up the attempts of the owner's code, or stop the owner's link."""

from collections import Counter

from tests.support.app import RunningApp
from tests.support.mailbox import UNKNOWN_FLOW, ask, code_in, flow_of, mailed, redeem, token_in, wrong
from tests.support.races import at_once

OWNER = "ada@example.org"
SIGN_IN = {"purpose": "sign_in", "email": OWNER}
ATTEMPTS = "SELECT attempts_left FROM keys WHERE kind = 'single_use' ORDER BY id"


async def test_wrong_codes_of_other_flows_leave_the_owners_code_its_attempts(app: RunningApp) -> None:
    await app.user(OWNER)
    message, owners = await mailed(app, "sign_in", OWNER), flow_of("sign_in", OWNER)
    await ask(app.client(), "sign_in", OWNER)
    await app.mails()
    strangers = flow_of("sign_in", OWNER)

    async def guess(number: int) -> int:
        flow = (strangers, UNKNOWN_FLOW)[number % 2]
        client = app.client(ip=f"198.51.100.{number}")
        return (await redeem(client, **SIGN_IN, code=wrong(code_in(message)), flow=flow)).status_code

    # More than the attempts of all codes, and fewer than the limit of guesses of strangers at one account.
    assert Counter(await at_once(20, guess)) == {410: 20}
    assert [row["attempts_left"] for row in await app.resources.database.pool.fetch(ATTEMPTS)] == [5, 0]
    signed_in = await redeem(app.client(), **SIGN_IN, code=code_in(message), flow=owners)
    assert signed_in.status_code == 201


async def test_wrong_codes_do_not_stop_a_link(app: RunningApp) -> None:
    await app.user(OWNER)
    message = await mailed(app, "sign_in", OWNER)
    for _ in range(10):
        await redeem(app.client(), **SIGN_IN, code=wrong(code_in(message)))

    assert (await redeem(app.client(), token=token_in(message))).status_code == 201


async def test_a_new_code_of_a_flow_buys_no_attempts(app: RunningApp) -> None:
    await app.user(OWNER)
    code = code_in(await mailed(app, "sign_in", OWNER))
    for _ in range(4):
        await redeem(app.client(), **SIGN_IN, code=wrong(code))
    app.clock.forward(seconds=30)
    code = code_in(await mailed(app, "sign_in", OWNER, flow=flow_of("sign_in", OWNER)))

    guesses = [await redeem(app.client(), **SIGN_IN, code=tried) for tried in (wrong(code), code)]
    assert [answer.status_code for answer in guesses] == [410, 410]
