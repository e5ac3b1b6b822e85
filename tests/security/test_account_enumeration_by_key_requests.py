"""Account enumeration: the answer to a key request, its rate limit or its work reveals whether an account exists."""

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.integration.test_statement_count import direct_reads, transactions
from tests.support.app import RunningApp, problem
from tests.support.guesses import spend
from tests.support.mailbox import UNKNOWN_FLOW, ask, flow_of, is_accepted, redeem

KNOWN, SUSPENDED, INVITED, UNKNOWN = "ada@example.org", "eve@example.org", "new@example.org", "nobody@example.org"
ADDRESSES = (KNOWN, SUSPENDED, INVITED, UNKNOWN)
PER_RESPONSE_HEADERS = {"x-request-id", "date"}
PUBLIC_PURPOSES = ("sign_in", "sign_up", "password_reset")


@pytest.fixture
async def app_with_accounts(app: RunningApp) -> RunningApp:
    await app.user(KNOWN)
    await suspend_user(OPERATOR, app.resources, await app.user(SUSPENDED))
    await app.invitation(INVITED)
    return app


async def _visible_answer(app: RunningApp, purpose: str, address: str) -> object:
    """The parts of the answer that a client can compare: status, headers and body, without the random flow."""
    answer = await ask(app.client(ip="192.0.2.1"), purpose, address)
    body = {**answer.json(), "instance": None}
    flow = str(body.pop("flow", "none"))
    headers = {
        name: value.replace(flow, "…") for name, value in answer.headers.items() if name not in PER_RESPONSE_HEADERS
    }
    return answer.status_code, headers, body, len(flow)


@pytest.mark.parametrize("purpose", PUBLIC_PURPOSES)
async def test_key_requests_for_every_address_get_the_same_answer(app_with_accounts: RunningApp, purpose: str) -> None:
    accepted = [await _visible_answer(app_with_accounts, purpose, address) for address in ADDRESSES * 7]
    await _visible_answer(app_with_accounts, purpose, KNOWN)
    await _visible_answer(app_with_accounts, purpose, UNKNOWN)
    refused = [await _visible_answer(app_with_accounts, purpose, address) for address in ADDRESSES]

    assert accepted == [accepted[0]] * len(ADDRESSES) * 7
    assert accepted[0][0] == 202  # type: ignore[index]
    assert refused == [refused[0]] * len(ADDRESSES)
    assert refused[0][0] == 429  # type: ignore[index]


@pytest.mark.parametrize("purpose", PUBLIC_PURPOSES)
async def test_key_requests_for_every_address_run_the_same_statements(
    app_with_accounts: RunningApp, purpose: str
) -> None:
    costs = []
    for address in ADDRESSES:
        statements: list[str] = []
        with transactions(app_with_accounts, statements):
            async with direct_reads(app_with_accounts, statements):
                await ask(app_with_accounts.client(), purpose, address)
        costs.append(statements)

    assert costs == [costs[0]] * len(ADDRESSES)
    assert not any("users" in statement for statement in costs[0])


async def test_a_wrong_code_runs_the_same_statements_with_and_without_a_valid_code(
    app_with_accounts: RunningApp,
) -> None:
    for address in ADDRESSES:
        await ask(app_with_accounts.client(), "sign_in", address)
    costs = []
    for address in ADDRESSES:
        statements: list[str] = []
        with transactions(app_with_accounts, statements):
            async with direct_reads(app_with_accounts, statements):
                sent = {"purpose": "sign_in", "email": address, "code": "00000000", "flow": flow_of("sign_in", address)}
                await redeem(app_with_accounts.client(), **sent)
        costs.append([statement for statement in statements if not statement.startswith(("BEGIN", "COMMIT"))])

    assert costs == [costs[0]] * len(ADDRESSES)
    assert [await spend(app_with_accounts, "guess_by_account_strangers", address) for address in ADDRESSES] == [24] * 4


async def test_a_wrong_code_for_every_address_gets_the_same_answer(app_with_accounts: RunningApp) -> None:
    for purpose in PUBLIC_PURPOSES:
        for address in ADDRESSES:
            await ask(app_with_accounts.client(ip="192.0.2.1"), purpose, address)
    await app_with_accounts.mails()
    answers = [
        await redeem(app_with_accounts.client(), purpose=purpose, email=address, code="00000000")
        for purpose in PUBLIC_PURPOSES
        for address in ADDRESSES
    ]
    without_flow = [
        await redeem(
            app_with_accounts.client(), purpose="email_change", email=address, code="00000000", flow=UNKNOWN_FLOW
        )
        for address in ADDRESSES
    ]

    for same in answers, without_flow:
        problems = [{**problem(answer), "instance": ""} for answer in same]
        assert problems == [problems[0]] * len(problems)
        assert problems[0]["code"] == "key_not_usable"
    assert problem(answers[0])["params"]["triesLeft"] == 4


async def test_requesting_a_change_to_a_taken_address_gets_the_same_answer(app_with_accounts: RunningApp) -> None:
    browser = await app_with_accounts.signed_in("mallory@example.org")
    before = len(await app_with_accounts.mails())

    answers = [await ask(browser, "email_change", address) for address in ADDRESSES]

    assert all(is_accepted(answer) for answer in answers)
    assert [message["To"] for message in (await app_with_accounts.mails())[before:]] == [INVITED, UNKNOWN]
