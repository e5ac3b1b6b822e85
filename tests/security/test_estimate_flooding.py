"""Denial of service: making the service estimate secrets without end, with codes that are never right."""

import httpx
import pytest

from tests.support.app import RunningApp, field_errors, problem
from tests.support.guesses import spend
from tests.support.hash_work import hashes_computed
from tests.support.mailbox import ask, code_in, mailed, redeem

ADDRESSES = KNOWN, UNKNOWN = "ada@example.org", "nobody@example.org"
LIMIT = "estimate_by_client"
NETWORK, OTHER_NETWORK = "192.0.2.1", "198.51.100.1"
WRONG = "00000000"
GOOD_SECRET, REFUSED_SECRET = "eleven boats below the bridge", "passwordpassword"


async def guess(client: httpx.AsyncClient, address: str, secret: str, code: str = WRONG) -> httpx.Response:
    """Reset a password, by default with a wrong code."""
    return await redeem(client, purpose="password_reset", email=address, code=code, secret=secret)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("secret", [GOOD_SECRET, REFUSED_SECRET])
async def test_a_flow_without_tries_is_refused_without_an_estimate_and_counts_for_the_network(
    app: RunningApp, address: str, secret: str
) -> None:
    await app.user(KNOWN)
    client = app.client(ip=NETWORK)
    await ask(client, "password_reset", address)
    await app.mails()
    for _ in range(5):
        await guess(client, address, GOOD_SECRET)
    before = hashes_computed(app.resources.hasher)
    answers = [await guess(client, address, secret) for _ in range(61)]
    assert {answer.status_code for answer in answers[:20]} == {410}
    assert problem(answers[0])["params"]["triesLeft"] == 0
    assert answers[-1].status_code == 429
    assert hashes_computed(app.resources.hasher) == before


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_network_has_a_bounded_number_of_estimates_in_all_its_flows(app: RunningApp, address: str) -> None:
    await app.user(KNOWN)
    before = hashes_computed(app.resources.hasher)
    for _ in range(5):
        client = app.client(ip=NETWORK)
        await ask(client, "password_reset", address)
        for _ in range(20):
            await guess(client, address, REFUSED_SECRET)
    assert hashes_computed(app.resources.hasher) - before == 30
    assert await spend(app, LIMIT, OTHER_NETWORK) == 30


async def test_past_the_limit_a_right_code_takes_a_good_secret_and_is_given_back_for_a_refused_one(
    app: RunningApp,
) -> None:
    await app.user(KNOWN)
    code = code_in(await mailed(app, "password_reset", KNOWN))
    client = app.client(ip=NETWORK)
    await spend(app, LIMIT, NETWORK)
    for _ in range(6):
        assert field_errors(await guess(client, KNOWN, REFUSED_SECRET, code)) == {"secret": "too_guessable"}
        await app.resources.background.flush()
    assert (await guess(client, KNOWN, GOOD_SECRET, code)).status_code == 201


@pytest.mark.parametrize("address", ADDRESSES)
async def test_past_the_limit_a_wrong_code_is_told_alike_for_every_address(app: RunningApp, address: str) -> None:
    await app.user(KNOWN)
    await ask(app.client(), "password_reset", address)
    await app.mails()
    await spend(app, LIMIT, "127.0.0.1")
    before = hashes_computed(app.resources.hasher)
    told = [problem(await guess(app.client(), address, REFUSED_SECRET)) for _ in range(3)]
    assert [(answer["code"], answer["params"]["triesLeft"]) for answer in told] == [
        ("key_not_usable", left) for left in (4, 3, 2)
    ]
    assert hashes_computed(app.resources.hasher) == before
