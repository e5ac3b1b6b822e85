"""The device cookie: who sets it, with which attributes, and for how many users."""

import pytest

from app.auth.devices import NAME, read_devices
from tests.support.app import SECRET, Clock, RunningApp, running, settings_for
from tests.support.guesses import guess
from tests.support.mailbox import by_code, code_in, mailed, redeem, token_in

HTTPS = {"PUBLIC_URL": "https://auth.example.org"}
ATTRIBUTES = "Max-Age=15552000; Path=/; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    ("environ", "name", "attributes"),
    [
        ({}, NAME, ATTRIBUTES),
        (HTTPS, NAME, f"{ATTRIBUTES}; Secure"),
        ({**HTTPS, "COOKIE_HOST_PREFIX": "on"}, f"__Host-{NAME}", f"{ATTRIBUTES}; Secure"),
    ],
)
async def test_the_cookie_has_the_attributes_of_the_session_cookie_and_180_days(
    app: RunningApp, database_url: str, environ: dict[str, str], name: str, attributes: str
) -> None:
    user_id = await app.user()
    async with running(settings_for(database_url, **environ), Clock()) as other:
        client = other.client(Origin=other.settings.public_url)
        *_, session, device = (await guess(client, SECRET)).headers.get_list("set-cookie")
        (pair, written) = device.split("; ", 1)
        devices = read_devices(other.resources.secret_key, pair.removeprefix(f"{name}="), other.clock())

    assert "auth_session=" in session
    assert written == attributes
    assert [known.user_id for known in devices] == [user_id]


async def test_every_complete_sign_in_sets_the_cookie_and_signing_out_keeps_it(app: RunningApp) -> None:
    await app.user()
    sent = by_code(code_in(await mailed(app, "sign_in")))
    answers = [await guess(app.client(), SECRET), await app.client().post("/api/session", json=sent)]
    app.clock.forward(seconds=30)
    by_link = {"method": "link", "token": token_in(await mailed(app, "sign_in"))}
    answers.append(await app.client().post("/api/session", json=by_link))
    app.clock.forward(seconds=30)
    browser = app.client()
    answers.append(await redeem(browser, token=token_in(await mailed(app, "sign_in"))))
    assert all(f"{NAME}=" in answer.headers["set-cookie"] for answer in answers)

    signed_out = await browser.delete("/api/session")
    assert NAME not in signed_out.headers["set-cookie"]
    assert NAME in browser.cookies


async def test_refused_guesses_and_reads_set_no_cookie(app: RunningApp) -> None:
    client = await app.signed_in()
    answers = [await guess(app.client()), await client.get("/api/session"), await client.get("/api/sessions")]
    answers.append(await client.post("/api/session/reauthentication", json={"method": "password", "secret": "wrong"}))

    assert not any(NAME in answer.headers.get("set-cookie", "") for answer in answers)


async def test_a_proof_of_who_the_user_is_sets_the_cookie_anew(app: RunningApp) -> None:
    await app.user()
    client = app.client()
    await guess(client, SECRET)
    cookies = [client.cookies[NAME]]
    for _ in range(2):
        answer = await client.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})
        assert answer.status_code == 200
        cookies.append(client.cookies[NAME])

    assert len(set(cookies)) == 3


async def test_a_device_is_known_for_the_5_users_who_signed_in_last(app: RunningApp) -> None:
    client, ids = app.client(), []
    for number in range(6):
        ids.append(await app.user(f"user{number}@example.org"))
        await guess(client, SECRET, f"user{number}@example.org")

    devices = read_devices(app.resources.secret_key, client.cookies[NAME], app.clock())
    assert [device.user_id for device in devices] == ids[:0:-1]
    assert len({device.nonce for device in devices}) == 5
