"""Lockout by spent mails: others ask for mail to the owner's address until the owner gets none.

They ask for another purpose, from many networks, or as signed-in users.
"""

import httpx
import pytest

from app.auth.devices import Device, seal_devices
from tests.support.app import RunningApp
from tests.support.mailbox import ask, by_code, code_in, redeem, token_in

OWNER, ATTACKER, NEW = "ada@example.org", "mallory@example.org", "new@example.org"


def device_of(app: RunningApp, *devices: Device) -> httpx.AsyncClient:
    """A client with a device cookie."""
    client = app.client(ip="203.0.113.1")
    client.cookies.set("auth_device", seal_devices(app.resources.secret_key, devices), domain="127.0.0.1", path="/")
    return client


async def _strangers_ask(app: RunningApp, times: int, purpose: str = "sign_in") -> None:
    for number in range(times):
        await ask(app.client(ip=f"198.51.100.{number}"), purpose, OWNER)
        await app.mails()


async def _has_code(app: RunningApp, client: httpx.AsyncClient) -> bool:
    """Whether the client's request for a sign-in is mailed with a code."""
    before = len(await app.mails())
    await ask(client, "sign_in", OWNER)
    sent = (await app.mails())[before:]
    return len(sent) == 1 and "is your code" in sent[0]["Subject"]


@pytest.mark.parametrize("purpose", ["email_change", "password_reset", "sign_up"])
async def test_mails_for_another_purpose_spend_none_of_a_sign_in(app: RunningApp, purpose: str) -> None:
    await app.user(OWNER)
    attacker = await app.signed_in(ATTACKER)
    for _ in range(20):
        await ask(attacker, purpose, OWNER)
        await app.mails()

    assert await _has_code(app, app.client(ip="203.0.113.1"))


async def test_an_owner_without_a_device_signs_in_by_link_under_a_flood(app: RunningApp) -> None:
    await app.user(OWNER)
    await _strangers_ask(app, 20)
    app.clock.forward(minutes=5)
    await ask(app.client(), "sign_in", OWNER)

    assert (await redeem(app.client(), token=token_in((await app.mails())[-1]))).status_code == 201


async def test_a_known_device_gets_codes_of_its_own_under_a_flood(app: RunningApp) -> None:
    user_id = await app.user(OWNER)
    device = device_of(app, Device(user_id, "nonce", app.clock()))
    code = ""
    for _ in range(5):
        await _strangers_ask(app, 5)
        app.clock.forward(minutes=1)
        device.cookies.delete("auth_flow_sign_in")
        before = len(await app.mails())
        await ask(device, "sign_in", OWNER)
        (message,) = (await app.mails())[before:]
        code = code_in(message)
    signed_in = await app.client().post("/api/session", json=by_code(code))
    assert signed_in.status_code == 201
    app.clock.forward(minutes=8)
    device.cookies.delete("auth_flow_sign_in")
    assert not await _has_code(app, device)


async def test_the_mails_of_a_device_spend_none_of_strangers(app: RunningApp) -> None:
    user_id = await app.user(OWNER)
    for _ in range(5):
        await ask(device_of(app, Device(user_id, "nonce", app.clock())), "sign_in", OWNER)
    await app.mails()

    app.clock.forward(minutes=10)
    assert await _has_code(app, app.client())


@pytest.mark.parametrize("kind", ["of another user", "voided", "forged"])
async def test_no_other_device_cookie_selects_the_budget_of_devices(app: RunningApp, kind: str) -> None:
    user_id, other = await app.user(OWNER), await app.user(ATTACKER)
    device = device_of(app, Device(other if kind == "of another user" else user_id, "nonce", app.clock()))
    if kind == "voided":
        app.clock.forward(seconds=1)
        await app.execute("UPDATE users SET devices_since = $1", app.clock())
    if kind == "forged":
        device.cookies.set("auth_device", "gAAAAAforged", domain="127.0.0.1", path="/")
    await _strangers_ask(app, 3)
    app.clock.forward(minutes=8)

    assert not await _has_code(app, device)


async def test_users_who_ask_for_somebodys_new_address_spend_none_of_their_mails(app: RunningApp) -> None:
    owner = await app.signed_in(OWNER)
    attacker = await app.signed_in(ATTACKER)
    for _ in range(20):
        await ask(attacker, "email_change", NEW)
        await app.mails()
        app.clock.forward(seconds=31)
    assert [message["To"] for message in await app.mails()] == [NEW] * 5

    await ask(owner, "email_change", NEW)
    change = {"purpose": "email_change", "email": NEW, "code": code_in((await app.mails())[-1])}
    assert (await redeem(owner, **change)).json()["user"]["email"] == NEW
