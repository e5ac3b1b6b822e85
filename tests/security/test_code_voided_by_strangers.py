"""Denial of service: whoever asks for a code of the owner's address voids the code or link that the owner waits for."""

import pytest

from tests.support.app import RunningApp, problem
from tests.support.mailbox import ask, code_in, flow_of, mailed, redeem, secret_for, token_in

OWNER = "ada@example.org"


async def _strangers_ask(app: RunningApp, purpose: str) -> None:
    for number in range(20):
        await ask(app.client(ip=f"198.51.100.{number}"), purpose, OWNER)
        await app.mails()
        app.clock.forward(seconds=20)


@pytest.mark.parametrize("key_kind", ["code", "link"])
@pytest.mark.parametrize("purpose", ["sign_in", "sign_up", "password_reset"])
async def test_the_owners_code_and_link_outlive_requests_of_strangers(
    app: RunningApp, purpose: str, key_kind: str
) -> None:
    await app.user(OWNER)
    message, flow = await mailed(app, purpose, OWNER), flow_of(purpose, OWNER)
    await _strangers_ask(app, purpose)

    by_code = {"purpose": purpose, "email": OWNER, "code": code_in(message), "flow": flow}
    key = by_code if key_kind == "code" else {"token": token_in(message)}
    answer = await redeem(app.client(), **secret_for(purpose), **key)
    assert answer.status_code == 201


async def test_the_newcomers_code_outlives_requests_of_strangers(open_app: RunningApp) -> None:
    message, flow = await mailed(open_app, "sign_up", OWNER), flow_of("sign_up", OWNER)
    await _strangers_ask(open_app, "sign_up")

    sent = {"purpose": "sign_up", "email": OWNER, "code": code_in(message), "flow": flow, "name": "Ada"}
    assert (await redeem(open_app.client(), **sent)).json()["user"]["name"] == "Ada"


async def test_a_code_that_one_flow_has_replaced_is_void(app: RunningApp) -> None:
    await app.user(OWNER)
    code = code_in(await mailed(app, "sign_in", OWNER))
    app.clock.forward(seconds=30)
    await mailed(app, "sign_in", OWNER, flow=flow_of("sign_in", OWNER))

    answer = await redeem(app.client(), purpose="sign_in", email=OWNER, code=code)
    assert problem(answer)["code"] == "key_not_usable"
