"""Account enumeration: the tries that are left of a code tell whether the address has an account."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.support.app import RunningApp, problem
from tests.support.mailbox import UNKNOWN_FLOW, ask, code_in, flow_of, mailed, redeem, wrong

KNOWN, SUSPENDED, INVITED, UNKNOWN = "ada@example.org", "eve@example.org", "new@example.org", "nobody@example.org"
ADDRESSES = (KNOWN, SUSPENDED, INVITED, UNKNOWN)
WRONG = "00000000"

Step = Callable[[RunningApp, str], Awaitable[httpx.Response | None]]


async def guess(app: RunningApp, address: str) -> httpx.Response:
    return await redeem(app.client(), purpose="sign_in", email=address, code=WRONG)


async def ask_again(app: RunningApp, address: str) -> None:
    await ask(app.client(), "sign_in", address, flow=flow_of("sign_in", address))


async def ask_anew(app: RunningApp, address: str) -> None:
    await ask(app.client(), "sign_in", address)


def later(**span: float) -> Step:
    async def forward(app: RunningApp, address: str) -> None:
        if address == ADDRESSES[0]:
            app.clock.forward(**span)
            await app.mails()

    return forward


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([guess] * 7, [4, 3, 2, 1, 0, 0, 0]),
        ([guess, guess, later(seconds=31), ask_again, later(seconds=2), guess], [4, 3, 2]),
        ([*[guess] * 5, later(seconds=31), ask_again, later(seconds=2), guess], [4, 3, 2, 1, 0, 0]),
        ([guess, guess, later(minutes=9), ask_again, later(minutes=2), guess, guess], [4, 3, 4, 3]),
        ([later(minutes=11), guess, ask_again, later(seconds=2), guess], [None, 4]),
        ([guess, later(seconds=31), ask_anew, later(seconds=2), guess], [4, 4]),
    ],
)
async def test_the_tries_left_fall_alike_for_every_address(
    app: RunningApp, steps: list[Step], left: list[int | None]
) -> None:
    await app.user(KNOWN)
    await suspend_user(OPERATOR, app.resources, await app.user(SUSPENDED))
    await app.invitation(INVITED)
    for address in ADDRESSES:
        await ask(app.client(), "sign_in", address)
    await app.mails()
    for step in steps:
        answers = [await step(app, address) for address in ADDRESSES]
        told = [{**problem(answer), "instance": ""} for answer in answers if answer is not None]
        assert told == told[:1] * len(told)
        if told:
            tries = left.pop(0)  # None: the flow has expired
            assert told[0].get("params") == (None if tries is None else {"triesLeft": tries, "lifetime": 600})
    assert left == []


@pytest.mark.parametrize("flow", ["unknown", "of another address", "of another purpose"])
async def test_without_a_flow_of_this_address_and_purpose_no_tries_are_told(app: RunningApp, flow: str) -> None:
    await app.user(KNOWN)
    await mailed(app, "sign_in", KNOWN)
    await ask(app.client(), "sign_in", UNKNOWN)
    await ask(app.client(), "password_reset", KNOWN)
    flows = {
        "unknown": UNKNOWN_FLOW,
        "of another address": flow_of("sign_in", UNKNOWN),
        "of another purpose": flow_of("password_reset", KNOWN),
    }
    answer = await redeem(app.client(), purpose="sign_in", email=KNOWN, code=WRONG, flow=flows[flow])
    assert "params" not in problem(answer)
    assert problem(answer)["text"].endswith("Ask for a new one.")


async def test_a_wrong_code_tells_people_how_many_tries_are_left_and_to_ask_again_only_after_the_last(
    app: RunningApp,
) -> None:
    await app.user(KNOWN)
    code = code_in(await mailed(app, "sign_in", KNOWN))
    answers = [
        await redeem(app.client(**{"Accept-Language": language}), purpose="sign_in", email=KNOWN, code=wrong(code))
        for language in ("en", "de", "en", "en", "en")
    ]
    texts = [problem(answer)["text"] for answer in answers]
    assert texts[0] == "That code is not right. 4 tries left. A code works for 10 minutes."
    assert texts[1] == "Dieser Code stimmt nicht. Noch 3 Versuche. Ein Code gilt 10 Minuten lang."
    details = [problem(answer)["detail"] for answer in answers]
    assert [detail.partition(". ")[2] for detail in details[2:4]] == ["2 tries left.", "1 try left."]
    assert texts[3].startswith("That code is not right. 1 try left.")
    assert texts[4] == "That code is not right, and no tries are left. Ask for a new one."


async def test_on_a_known_device_the_tries_are_those_of_the_code(app: RunningApp) -> None:
    await app.user(KNOWN)
    device = app.client()
    first = code_in(await mailed(app, "sign_in", KNOWN))
    assert (await redeem(device, purpose="sign_in", email=KNOWN, code=first)).status_code == 201
    await device.delete("/api/session")
    app.clock.forward(seconds=31)
    code = code_in(await mailed(app, "sign_in", KNOWN))
    stranger = await redeem(app.client(), purpose="sign_in", email=KNOWN, code=wrong(code))
    own = await redeem(device, purpose="sign_in", email=KNOWN, code=wrong(code))
    assert [problem(answer)["params"]["triesLeft"] for answer in (stranger, own)] == [4, 3]
