"""Device cookies that are stolen, forged, replayed, or of another user: they give no right and no other answer."""

import secrets
from collections.abc import Awaitable, Callable

import pytest

from app.audit import OPERATOR
from app.auth.devices import NAME, Device, seal_devices
from app.domain.flows.administer_users import end_sessions, restore_user, suspend_user
from app.secret_key import SecretKey
from tests.support.app import SECRET, RunningApp, is_signed_in, problem, settings_for
from tests.support.guesses import ADDRESS, WRONG_SECRET, guess, known_device, spend
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

NEW_ADDRESS = "ada@new.example.org"


async def _is_known(app: RunningApp, cookie: str, email: str = ADDRESS) -> bool:
    """Whether a wrong guess with this device cookie counts in the budget of the account's devices."""
    answer = await guess(app.client(Cookie=f"{NAME}={cookie}"), email=email)
    assert answer.status_code == 401
    counted = await app.resources.database.pool.fetchval(
        "SELECT count(*) FROM rate_limits WHERE key LIKE 'guess_by_device/%'"
    )
    await app.resources.database.pool.execute("DELETE FROM rate_limits")
    return bool(counted)


async def _cookie(app: RunningApp, email: str = ADDRESS) -> str:
    cookie: str = (await known_device(app, email)).cookies[NAME]
    await app.resources.database.pool.execute("DELETE FROM rate_limits")
    app.clock.forward(seconds=1)
    return cookie


async def test_a_stolen_cookie_signs_nobody_in(app: RunningApp) -> None:
    await app.user()
    cookie = await _cookie(app)
    thief = app.client(Cookie=f"{NAME}={cookie}; auth_session={cookie}")

    assert await _is_known(app, cookie)
    assert not await is_signed_in(thief)
    assert (await thief.get("/api/sessions")).status_code == 401


async def test_the_cookie_of_another_user_changes_no_answer_and_no_budget(app: RunningApp) -> None:
    await app.user()
    await app.user("mallory@example.org")
    cookie = await _cookie(app, "mallory@example.org")
    assert not await _is_known(app, cookie)
    mallory, stranger = app.client(Cookie=f"{NAME}={cookie}"), app.client()

    refused = [await guess(client) for client in (mallory, stranger)]
    await spend(app, "guess_by_account_strangers")
    refused += [await guess(client, SECRET) for client in (mallory, stranger)]

    problems = [{**problem(answer), "instance": ""} for answer in refused]
    assert problems[0] == problems[1]
    assert problems[2] == problems[3]


def _foreign_key() -> SecretKey:
    return SecretKey(settings_for("postgresql://unused", SECRET_KEY="a key of another server 4Xw1kQz8vRt6Lm2"))


@pytest.mark.parametrize(
    "forge",
    [
        lambda *_: "",
        lambda *_: "garbage",
        lambda *_: "%00%ff",
        lambda *_: "g" * 8000,
        lambda _, cookie: cookie[:-4] + "AAA=",
        lambda _, cookie: cookie[:40] + ("A" if cookie[40] != "A" else "B") + cookie[41:],
        lambda app, _: app.resources.secret_key.seal(b"[1]").decode(),
        lambda app, _: app.resources.secret_key.seal(b'{"user":1}').decode(),
        lambda app, _: app.resources.secret_key.seal(b"\\xff").decode(),
    ],
)
async def test_a_forged_cookie_makes_a_stranger_and_no_error(
    app: RunningApp, forge: Callable[[RunningApp, str], str]
) -> None:
    await app.user()

    assert not await _is_known(app, forge(app, await _cookie(app)))


async def test_a_cookie_sealed_by_another_server_is_of_a_stranger(app: RunningApp) -> None:
    user_id = await app.user()
    device = Device(user_id, secrets.token_urlsafe(16), app.clock())

    assert await _is_known(app, seal_devices(app.resources.secret_key, [device]))
    assert not await _is_known(app, seal_devices(_foreign_key(), [device]))


async def test_a_cookie_counts_for_180_days(app: RunningApp) -> None:
    await app.user()
    cookie = await _cookie(app)
    app.clock.forward(days=180, seconds=-2)
    assert await _is_known(app, cookie)
    app.clock.forward(seconds=1)
    assert not await _is_known(app, cookie)


async def _reset(app: RunningApp) -> None:
    token = token_in(await mailed(app, "password_reset"))
    assert (await redeem(app.client(), token=token, secret=WRONG_SECRET + "!")).status_code == 201


async def _change_secret(app: RunningApp) -> None:
    client = app.client()
    await guess(client, SECRET)
    assert (await client.put("/api/keys/primary/secret", json={"secret": WRONG_SECRET + "!"})).status_code == 204
    await app.resources.database.pool.execute("DELETE FROM rate_limits")
    assert await _is_known(app, client.cookies[NAME])


async def _suspend(app: RunningApp) -> None:
    user_id = await app.resources.database.pool.fetchval("SELECT id FROM users")
    await suspend_user(OPERATOR, app.resources, user_id)
    await restore_user(OPERATOR, app.resources, user_id)


async def _end_by_admin(app: RunningApp) -> None:
    user_id = await app.resources.database.pool.fetchval("SELECT id FROM users")
    await end_sessions(OPERATOR, app.resources, user_id)


async def _end_others(app: RunningApp) -> None:
    client = app.client()
    await guess(client, SECRET)
    assert (await client.delete("/api/sessions")).status_code == 204


async def _verify_address(app: RunningApp) -> None:
    token = token_in(await mailed(app, "sign_in"))
    assert (await redeem(app.client(), token=token)).status_code == 201


@pytest.mark.parametrize("void", [_reset, _change_secret, _suspend, _end_by_admin, _end_others, _verify_address])
async def test_what_revokes_access_voids_all_devices(
    app: RunningApp, void: Callable[[RunningApp], Awaitable[None]]
) -> None:
    await app.user()
    cookie = await _cookie(app)

    await void(app)
    await app.resources.background.flush()
    await app.resources.database.pool.execute("DELETE FROM rate_limits")

    assert not await _is_known(app, cookie)


async def test_a_change_of_address_and_its_undoing_void_all_devices(app: RunningApp) -> None:
    await app.user()
    thief = app.client()
    await guess(thief, SECRET)
    first = thief.cookies[NAME]
    await ask(thief, "email_change", NEW_ADDRESS)
    app.clock.forward(seconds=1)
    code = code_in((await app.mails())[-1])
    assert (await redeem(thief, purpose="email_change", email=NEW_ADDRESS, code=code)).status_code == 201
    second = thief.cookies[NAME]
    await app.resources.background.flush()
    await app.resources.database.pool.execute("DELETE FROM rate_limits")
    assert [await _is_known(app, cookie, NEW_ADDRESS) for cookie in (first, second)] == [False, True]

    app.clock.forward(seconds=1)
    owner = app.client()
    assert (await redeem(owner, token=token_in((await app.mails())[-1]))).status_code == 201
    await app.resources.background.flush()
    await app.resources.database.pool.execute("DELETE FROM rate_limits")
    assert [await _is_known(app, cookie) for cookie in (first, second, owner.cookies[NAME])] == [False, False, True]
