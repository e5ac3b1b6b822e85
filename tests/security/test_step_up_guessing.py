"""Step-up guessing: the thief of a session guesses the secret or a code to prove again who they are."""

from collections import Counter

import httpx
import pytest

from tests.support.app import SECRET, RunningApp
from tests.support.guesses import ADDRESS, guess, known_device, spend
from tests.support.mailbox import code_in, flow_of, mailed, wrong
from tests.support.races import at_once

PATH = "/api/session/reauthentication"


def _thief(app: RunningApp, token: str, ip: str = "192.0.2.1") -> httpx.AsyncClient:
    client = app.client(ip=ip)
    client.cookies.set("auth_session", token, domain="127.0.0.1", path="/")
    return client


async def _prove(client: httpx.AsyncClient, secret: str) -> int:
    return (await client.post(PATH, json={"method": "password", "secret": secret})).status_code


async def test_a_session_has_10_guesses_a_day_from_all_networks_together(app: RunningApp) -> None:
    token = await app.token(await app.user())

    answers = await at_once(30, lambda n: _prove(_thief(app, token, f"192.0.2.{n}"), f"wrong {n}"))

    assert Counter(answers) == {401: 10, 429: 20}
    assert await _prove(_thief(app, token), SECRET) == 429
    app.clock.forward(days=1)
    assert await _prove(_thief(app, token), SECRET) == 200


async def test_step_ups_count_with_the_other_guesses_of_strangers_at_the_account(app: RunningApp) -> None:
    user_id = await app.user()
    token = await app.token(user_id)
    for _ in range(5):
        assert await _prove(_thief(app, token), "wrong") == 401
    assert await spend(app, "guess_by_account_strangers") == 20

    assert await _prove(_thief(app, token), SECRET) == 429


@pytest.mark.parametrize("spent", ["guess_by_account_strangers", "guess_by_session"])
async def test_codes_are_bounded_like_secrets(app: RunningApp, spent: str) -> None:
    user_id = await app.user()
    token = await app.token(user_id)
    code = code_in(await mailed(app, "sign_in", ADDRESS))
    answer = await _thief(app, token).post(
        PATH, json={"method": "code", "code": wrong(code), "flow": flow_of("sign_in")}
    )
    assert answer.status_code == 410
    session_id = str(await app.resources.database.pool.fetchval("SELECT id FROM sessions"))
    await spend(app, spent, session_id if spent == "guess_by_session" else ADDRESS)

    answer = await _thief(app, token).post(PATH, json={"method": "code", "code": code, "flow": flow_of("sign_in")})
    assert answer.status_code == 429


async def test_the_owner_steps_up_on_a_known_device_while_strangers_have_spent_their_budget(app: RunningApp) -> None:
    await app.user()
    device = await known_device(app)
    assert (await guess(device, SECRET)).status_code == 201
    await app.resources.background.flush()
    await spend(app, "guess_by_account_strangers")

    for _ in range(3):
        assert await _prove(device, "wrong") == 401
    assert await _prove(device, SECRET) == 200
    await app.resources.background.flush()
    # The device has a new nonce, and the account three wrong guesses of its devices.
    assert await spend(app, "guess_by_account_devices") == 21
