"""Phishing of a code: somebody who was told the code, or reads it over a shoulder, uses it in a client of their own."""

import pytest

from tests.support.app import RunningApp, field_errors, problem
from tests.support.mailbox import UNKNOWN_FLOW, ask, code_in, flow_of, mailed, redeem

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
async def test_a_wrong_flow_is_answered_like_a_wrong_code(app: RunningApp, purpose: str) -> None:
    browser = await app.signed_in(OWNER)
    address = "new@example.org" if purpose == "email_change" else OWNER
    await ask(browser, purpose, address)
    code = code_in((await app.mails())[-1])
    sent = {"purpose": purpose, "email": address, "secret": "nine quiet herons over water"}

    wrong_flow = problem(await redeem(browser, **sent, code=code, flow=UNKNOWN_FLOW))
    wrong_code = problem(await redeem(browser, **sent, code=f"{(int(code) + 1) % 10**8:08}"))
    assert {**wrong_flow, "instance": ""} == {**wrong_code, "instance": ""}
    assert (await redeem(browser, **sent, code=code)).status_code == 201


async def test_the_flow_in_the_body_counts_before_the_cookie(app: RunningApp) -> None:
    await app.user(OWNER)
    code, flow = code_in(await mailed(app, "sign_in", OWNER)), flow_of("sign_in", OWNER)
    browser = app.client()
    await ask(browser, "sign_in", "nobody@example.org")

    assert (await browser.post("/api/session", json={**SIGN_IN, "code": code})).status_code == 410
    assert (await browser.post("/api/session", json={**SIGN_IN, "code": code, "flow": flow})).status_code == 201
