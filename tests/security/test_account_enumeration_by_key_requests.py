"""Enumeration: asking for a key tells by body, status, header, limit or work whether an address has an account."""

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.integration.test_statement_count import direct_reads, transactions
from tests.support.app import RunningApp, problem
from tests.support.mailbox import ask, mailed, redeem

KNOWN, SUSPENDED, INVITED, UNKNOWN = "ada@example.org", "eve@example.org", "new@example.org", "nobody@example.org"
ADDRESSES = (KNOWN, SUSPENDED, INVITED, UNKNOWN)
VARYING = {"x-request-id", "date"}
ASKED_BY_ANYONE = ("sign_in", "sign_up", "password_reset")


@pytest.fixture
async def peopled(app: RunningApp) -> RunningApp:
    await app.user(KNOWN)
    await suspend_user(OPERATOR, app.resources, await app.user(SUSPENDED))
    await app.invitation(INVITED)
    return app


async def _ask(app: RunningApp, purpose: str, address: str) -> object:
    """All that the client sees of the answer."""
    answer = await ask(app.client(ip="192.0.2.1"), purpose, address)
    headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
    body = {**answer.json(), "instance": None}
    return answer.status_code, headers, body


@pytest.mark.parametrize("purpose", ASKED_BY_ANYONE)
async def test_every_address_gets_the_same_answer(peopled: RunningApp, purpose: str) -> None:
    accepted = [await _ask(peopled, purpose, address) for address in ADDRESSES]
    refused = [await _ask(peopled, purpose, address) for address in ADDRESSES]

    assert accepted == [accepted[0]] * len(ADDRESSES)
    assert accepted[0][0] == 202  # type: ignore[index]
    assert refused == [refused[0]] * len(ADDRESSES)
    assert refused[0][0] == 429  # type: ignore[index]


@pytest.mark.parametrize("purpose", ASKED_BY_ANYONE)
async def test_every_address_costs_the_same_statements(peopled: RunningApp, purpose: str) -> None:
    costs = []
    for address in ADDRESSES:
        found: list[str] = []
        with transactions(peopled, found):
            async with direct_reads(peopled, found):
                await ask(peopled.client(), purpose, address)
        costs.append(found)

    assert costs == [costs[0]] * len(ADDRESSES)
    assert not any("users" in statement for statement in costs[0])


async def test_a_wrong_code_costs_the_same_statements_whether_there_is_one_or_not(peopled: RunningApp) -> None:
    await mailed(peopled, "sign_in", KNOWN)
    costs = []
    for address in ADDRESSES:
        found: list[str] = []
        with transactions(peopled, found):
            await redeem(peopled.client(), purpose="sign_in", email=address, code="00000000")
        costs.append([statement for statement in found if not statement.startswith(("BEGIN", "COMMIT"))])

    assert costs == [costs[0]] * len(ADDRESSES)
    assert any("code_failures" in statement for statement in costs[0])
    rows = await peopled.resources.database.pool.fetch("SELECT address, failures FROM code_failures")
    assert {row["address"]: row["failures"] for row in rows} == {KNOWN: 1, SUSPENDED: 0, INVITED: 0, UNKNOWN: 0}


async def test_a_wrong_code_tells_nothing_of_its_address(peopled: RunningApp) -> None:
    await mailed(peopled, "sign_in", KNOWN)
    answers = [
        await redeem(peopled.client(), purpose=purpose, email=address, code="00000000")
        for purpose in (*ASKED_BY_ANYONE, "email_change")
        for address in ADDRESSES
    ]

    told = [{**problem(answer), "instance": ""} for answer in answers]
    assert told == [told[0]] * len(told)
    assert told[0]["code"] == "key_not_usable"


async def test_changing_the_address_does_not_tell_which_are_taken(peopled: RunningApp) -> None:
    browser = await peopled.signed_in("mallory@example.org")
    before = len(await peopled.mails())

    answers = [await ask(browser, "email_change", address) for address in ADDRESSES]

    assert {(answer.status_code, answer.text) for answer in answers} == {(202, '{"status":"accepted"}')}
    assert [message["To"] for message in (await peopled.mails())[before:]] == [UNKNOWN]
