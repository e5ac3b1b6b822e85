"""Phishing of a code: somebody who was told the code, or reads it over a shoulder, uses it in a client of their own."""

from collections.abc import Mapping

import pytest

from tests.support.app import RunningApp, field_errors, problem
from tests.support.mailbox import UNKNOWN_FLOW, ask, code_in, flow_of, mailed, redeem, secret_for, wrong

OWNER = "ada@example.org"
SIGN_IN = {"method": "code", "email": OWNER}


async def test_a_code_works_only_in_the_client_that_asked_for_it(app: RunningApp) -> None:
    await app.user(OWNER)
    owner, thief = app.client(), app.client()
    await ask(owner, "sign_in", OWNER)
    sent = {**SIGN_IN, "code": code_in((await app.mails())[-1])}

    assert field_errors(await thief.post("/api/session", json=sent)) == {"flow": "missing"}
    await ask(thief, "sign_in", OWNER)
    assert problem(await thief.post("/api/session", json=sent))["code"] == "key_not_usable"
    assert (await owner.post("/api/session", json=sent)).status_code == 201


@pytest.mark.parametrize("purpose", ["sign_in", "sign_up", "password_reset", "email_change"])
@pytest.mark.parametrize("made_by_the_service", [True, False])
async def test_in_a_wrong_flow_a_right_code_is_answered_like_a_wrong_one(
    app: RunningApp, purpose: str, made_by_the_service: bool
) -> None:
    browser = await app.signed_in(OWNER)
    address = "new@example.org" if purpose == "email_change" else OWNER
    await ask(browser, purpose, address)
    code = code_in((await app.mails())[-1])
    sent = {"purpose": purpose, "email": address, **secret_for(purpose)}

    flow, told = flow_of(purpose, address), list[Mapping[str, object]]()
    for tried in code, wrong(code):
        wrong_flow = UNKNOWN_FLOW
        if made_by_the_service:
            # Without the cookies of the owner's flow, so that each is the first guess in a flow of its own.
            browser.cookies.delete(f"auth_flow_{purpose}", domain="127.0.0.1", path="/")
            wrong_flow = (await ask(browser, purpose, address)).json()["flow"]
        told.append({**problem(await redeem(browser, **sent, code=tried, flow=wrong_flow)), "instance": ""})
    assert told[0] == told[1]
    assert ("params" in told[0]) is made_by_the_service
    assert (await redeem(browser, **sent, code=code, flow=flow)).status_code == 201


async def test_the_flow_in_the_body_counts_before_the_cookie(app: RunningApp) -> None:
    await app.user(OWNER)
    code, flow = code_in(await mailed(app, "sign_in", OWNER)), flow_of("sign_in", OWNER)
    browser = app.client()
    await ask(browser, "sign_in", "nobody@example.org")

    assert (await browser.post("/api/session", json={**SIGN_IN, "code": code})).status_code == 410
    assert (await browser.post("/api/session", json={**SIGN_IN, "code": code, "flow": flow})).status_code == 201
