"""Account enumeration: where sign-up is open, asking to sign in reveals whether the address has an account."""

from email.message import EmailMessage

import httpx
import pytest

from app.domain.flows.request_key import issue_requested_key
from app.jobs.worker import Attempt
from tests.integration.test_statement_count import LATEST_REQUEST, direct_reads, transactions
from tests.support.app import RunningApp
from tests.support.guesses import spend
from tests.support.mailbox import ask, by_code, code_in, mailed, wrong

KNOWN, INVITED, UNKNOWN = "ada@example.org", "new@example.org", "nobody@example.org"
ADDRESSES = (KNOWN, INVITED, UNKNOWN)
PER_RESPONSE_HEADERS = {"x-request-id", "date"}


@pytest.fixture
async def app_with_accounts(open_app: RunningApp) -> RunningApp:
    await open_app.user(KNOWN)
    await open_app.invitation(INVITED)
    return open_app


def visible(answer: httpx.Response) -> tuple[object, ...]:
    """What a client can compare: status, headers and body, without what is random in every answer."""
    body = {name: value for name, value in answer.json().items() if name not in ("flow", "instance")}
    headers = [(name, len(value)) for name, value in answer.headers.items() if name not in PER_RESPONSE_HEADERS]
    return answer.status_code, headers, body


async def test_requests_and_wrong_codes_get_the_same_answers(app_with_accounts: RunningApp) -> None:
    app = app_with_accounts
    histories = {}
    for address in ADDRESSES:
        asked = await ask(app.client(), "sign_in", address)
        message = (await app.mails())[-1]
        tried = [
            await app.client().post("/api/session", json=by_code(wrong(code_in(message)), address)) for _ in range(7)
        ]
        histories[address] = [visible(answer) for answer in (asked, *tried)]
    assert histories[KNOWN] == histories[INVITED] == histories[UNKNOWN]


async def test_wrong_codes_run_the_same_statements_and_count_in_the_same_limits(app_with_accounts: RunningApp) -> None:
    app, costs = app_with_accounts, []
    for address in ADDRESSES:
        code = code_in(await mailed(app, "sign_in", address))
        statements: list[str] = []
        with transactions(app, statements):
            async with direct_reads(app, statements):
                await app.client().post("/api/session", json=by_code(wrong(code), address))
        costs.append(statements)
    assert costs == [costs[0]] * len(ADDRESSES)
    spent = [await spend(app, "guess_by_account_strangers", address) for address in ADDRESSES]
    assert spent == [spent[0]] * len(ADDRESSES)


async def test_the_job_of_a_request_runs_as_many_statements(app_with_accounts: RunningApp) -> None:
    app, counts = app_with_accounts, []
    for address in (KNOWN, UNKNOWN):
        await ask(app.client(), "sign_in", address)
        job = await app.resources.database.pool.fetchrow(LATEST_REQUEST)
        assert job is not None
        statements: list[str] = []
        attempt = Attempt(job["id"], app.resources.secret_key.unseal(job["payload"]), job["created_at"])
        with transactions(app, statements):
            async with direct_reads(app, statements):
                await issue_requested_key(app.resources, attempt)
        counts.append([statement.split()[0] for statement in statements])
    assert abs(len(counts[0]) - len(counts[1])) <= 1, counts


async def test_every_address_gets_the_same_number_of_mails(app_with_accounts: RunningApp) -> None:
    app = app_with_accounts
    for number in range(20):
        for address in ADDRESSES:
            await ask(app.client(ip=f"192.0.2.{number}"), "sign_in", address)
        await app.mails()
        app.clock.forward(minutes=3)
    mails: list[EmailMessage] = await app.mails()
    counts = [sum(mail["To"] == address for mail in mails) for address in ADDRESSES]
    assert counts == [counts[0]] * len(ADDRESSES)
    assert counts[0] <= 12
