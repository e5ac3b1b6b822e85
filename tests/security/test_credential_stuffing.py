"""Credential stuffing: one secret, or a list of stolen pairs, tried at many accounts from one network."""

from collections import Counter

import pytest

from tests.support.app import SECRET, RunningApp, problem
from tests.support.guesses import ADDRESS, guess, known_device, spend
from tests.support.hash_work import hashes_computed
from tests.support.mailbox import mailed, token_in

NETWORK = "192.0.2.1"


async def test_one_secret_is_compared_with_60_accounts_a_minute_and_200_an_hour(app: RunningApp) -> None:
    compared = list[int]()
    for minute in range(5):
        answers = [await guess(app.client(ip=NETWORK), SECRET, f"user{minute}-{n}@example.org") for n in range(70)]
        compared.append(Counter(answer.status_code for answer in answers)[401])
        app.clock.forward(minutes=1)

    assert compared == [60, 60, 60, 20, 0]


@pytest.mark.parametrize("ip", ["2001:db8::1", "2001:db8::ffff:2"])
async def test_past_the_limit_a_right_secret_is_refused_like_a_wrong_one_before_it_is_compared(
    app: RunningApp, ip: str
) -> None:
    await app.user()
    await spend(app, "guess_by_client", "2001:db8::/64")
    before = hashes_computed(app.resources.hasher)

    right, wrong = [await guess(app.client(ip=ip), secret) for secret in (SECRET, "wrong")]

    assert problem(right)["code"] == "too_many_requests"
    assert {**problem(right), "instance": ""} == {**problem(wrong), "instance": ""}
    assert hashes_computed(app.resources.hasher) == before


async def test_a_refused_guess_uses_nothing_of_the_account(app: RunningApp) -> None:
    await spend(app, "guess_by_client", NETWORK)
    for _ in range(10):
        assert (await guess(app.client(ip=NETWORK))).status_code == 429

    assert await spend(app, "guess_by_account_strangers") == 25


async def test_a_success_on_the_attackers_own_account_does_not_clear_the_count_of_the_network(app: RunningApp) -> None:
    await app.user("mallory@example.org")
    for _ in range(59):
        await app.resources.rate_limits.hit("guess_by_client", NETWORK)
    for _ in range(3):
        assert (await guess(app.client(ip=NETWORK), SECRET, "mallory@example.org")).status_code == 201
        await app.resources.background.flush()

    assert (await guess(app.client(ip=NETWORK))).status_code == 401
    assert (await guess(app.client(ip=NETWORK))).status_code == 429


async def test_known_devices_and_links_work_in_a_network_that_an_attacker_has_spent(app: RunningApp) -> None:
    await app.user()
    device = await known_device(app)
    await spend(app, "guess_by_client", "198.51.100.1")
    token = token_in(await mailed(app, "sign_in", ADDRESS))

    assert (await guess(device, SECRET)).status_code == 201
    by_link = await app.client(ip="198.51.100.1").post("/api/session", json={"method": "link", "token": token})
    assert by_link.status_code == 201
