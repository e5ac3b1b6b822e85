"""Locking the owner out from their own network: others behind the same address spend its limit of requests for mail."""

import pytest

from tests.support.app import RunningApp
from tests.support.guesses import known_device, spend
from tests.support.mailbox import ask

NETWORK = "198.51.100.1"


@pytest.mark.parametrize("address", ["ada@example.org", "nobody@example.org"])
async def test_a_known_device_is_mailed_while_its_network_has_spent_the_limit(app: RunningApp, address: str) -> None:
    await app.user()
    device = await known_device(app)
    await spend(app, "mail_by_client", NETWORK)

    assert (await ask(app.client(ip=NETWORK), "sign_in", address)).status_code == 429
    assert (await ask(device, "sign_in", address)).status_code == 202


async def test_a_device_past_its_limit_counts_in_that_of_its_network(app: RunningApp) -> None:
    user_id = await app.user()
    device = await known_device(app)
    await spend(app, "mail_by_device", str(user_id))

    assert (await ask(device, "sign_in")).status_code == 202
    await spend(app, "mail_by_client", NETWORK)
    assert (await ask(device, "sign_in")).status_code == 429
