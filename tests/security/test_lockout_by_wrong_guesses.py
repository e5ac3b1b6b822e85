"""Lockout: strangers guess wrong on purpose, so that the owner of the account cannot sign in any more."""

import pytest

from tests.support.app import SECRET, RunningApp
from tests.support.guesses import guess, known_device, spend, verify_addresses
from tests.support.mailbox import by_code, code_in, mailed, token_in

STRANGERS = ["guess_by_account_strangers", "guess_by_account_consecutive"]


@pytest.mark.parametrize("spent", STRANGERS)
async def test_a_known_device_signs_in_by_secret(app: RunningApp, spent: str) -> None:
    await app.user()
    device = await known_device(app)
    await spend(app, spent)

    assert (await guess(app.client(), SECRET)).status_code == 429
    assert (await guess(device)).status_code == 401
    assert (await guess(device, SECRET)).status_code == 201


@pytest.mark.parametrize("spent", STRANGERS)
async def test_a_known_device_signs_in_by_a_code_that_is_mailed_already(app: RunningApp, spent: str) -> None:
    await app.user()
    device = await known_device(app)
    sent = by_code(code_in(await mailed(app, "sign_in")))
    await spend(app, spent)

    assert (await app.client().post("/api/session", json=sent)).status_code == 429
    assert (await device.post("/api/session", json=sent)).status_code == 201


@pytest.mark.parametrize("spent", STRANGERS)
async def test_without_a_known_device_the_owner_signs_in_by_the_mailed_link_and_has_one_then(
    app: RunningApp, spent: str
) -> None:
    await app.user()
    await verify_addresses(app)
    await spend(app, spent)
    owner = app.client()
    token = token_in(await mailed(app, "sign_in"))

    assert (await owner.post("/api/session", json={"method": "link", "token": token})).status_code == 201
    await owner.delete("/api/session")
    assert (await guess(owner, SECRET)).status_code == 201


async def test_strangers_and_devices_spend_nothing_of_each_other_and_stay_under_100_in_any_24_hours(
    app: RunningApp,
) -> None:
    await app.user()
    devices = [await known_device(app) for _ in range(6)]
    # The first guesses open the windows. All others come within minutes, at the end of these and in the next windows.
    compared = 0
    for minutes, guesses in ((0, 1), (24 * 60 - 1, 60), (2, 60)):
        app.clock.forward(minutes=minutes)
        for number in range(guesses):
            for client in (app.client(ip=f"192.0.2.{number}"), devices[number % 6]):
                compared += (await guess(client)).status_code == 401

    assert compared == 2 * (25 + 24)
    assert await spend(app, "guess_by_account_strangers") == 0


async def test_a_device_that_guessed_wrong_10_times_is_a_stranger_for_a_day(app: RunningApp) -> None:
    await app.user()
    mallory, owner = [await known_device(app) for _ in range(2)]
    for _ in range(10):
        assert (await guess(mallory)).status_code == 401
    assert await spend(app, "guess_by_account_strangers") == 25

    assert (await guess(mallory, SECRET)).status_code == 429
    assert (await guess(owner, SECRET)).status_code == 201
    app.clock.forward(days=1)
    assert (await guess(mallory)).status_code == 401
