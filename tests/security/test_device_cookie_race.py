"""Race of a sign-in with a reset, a suspension or the end of all sessions: the device of the sign-in stays known."""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.audit import OPERATOR, Actor
from app.auth.devices import NAME, known_device, read_devices
from app.auth.principal import PrincipalUser
from app.domain.flows.administer_users import end_sessions, suspend_user
from app.domain.flows.redeem_key import redeem_key
from app.domain.flows.schemas import RedeemKeyInput
from app.domain.flows.sign_in.code import CodeSignIn, sign_in_by_code
from app.domain.flows.sign_in.password import PasswordSignIn, sign_in_by_password
from app.domain.sessions.answers import describe_session
from app.domain.sessions.devices import new_device_cookie
from app.domain.sessions.service import end_other_sessions
from tests.support.app import SECRET, Clock, RunningApp, running, settings_for
from tests.support.guesses import ADDRESS, verify_addresses
from tests.support.mailbox import code_in, flow_of, mailed, token_in
from tests.support.races import queued

LOCK = "SELECT FROM users WHERE id = $1 FOR UPDATE"
NEW_SECRET = "nine quiet herons over water"


class TickingClock(Clock):
    """A clock that is later at each look."""

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


@pytest.fixture
async def ticking(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    async with running(settings_for(database_url), TickingClock()) as ticking:
        ticking.clock.now = app.clock.now
        yield ticking


async def _reset(app: RunningApp, _: UUID, token: str) -> None:
    await redeem_key(Actor(), app.resources, RedeemKeyInput(token=token, secret=NEW_SECRET))


async def _suspend(app: RunningApp, user_id: UUID, _: str) -> None:
    await suspend_user(OPERATOR, app.resources, user_id)


async def _end_all(app: RunningApp, user_id: UUID, _: str) -> None:
    await end_sessions(OPERATOR, app.resources, user_id)


async def _end_others(app: RunningApp, user_id: UUID, _: str) -> None:
    await end_other_sessions(Actor(user_id), app.resources)


VOIDING = [_reset, _suspend, _end_all, _end_others]
Void = Callable[[RunningApp, UUID, str], Coroutine[Any, Any, None]]


async def _is_known(app: RunningApp, user_id: UUID, set_cookie: str) -> bool:
    """Whether the device with this `Set-Cookie` is known."""
    sealed = httpx.Headers({"set-cookie": set_cookie})["set-cookie"].partition("=")[2].partition(";")[0]
    devices = read_devices(app.resources.secret_key, sealed, app.clock())
    assert [device.user_id for device in devices] == [user_id]
    since = await app.resources.database.pool.fetchval("SELECT devices_since FROM users WHERE id = $1", user_id)
    return known_device(devices, user_id, since) is not None


@pytest.mark.parametrize("void", VOIDING)
async def test_what_voids_the_devices_before_the_answer_of_a_sign_in_voids_its_device(
    ticking: RunningApp, void: Void
) -> None:
    user_id = await ticking.user()
    token = token_in(await mailed(ticking, "password_reset"))
    started = await sign_in_by_password(Actor(), ticking.resources, PasswordSignIn(email=ADDRESS, secret=SECRET))
    await void(ticking, user_id, token)

    cookies = (await describe_session(Actor(), ticking.resources, started)).cookies
    assert not await _is_known(ticking, user_id, next(cookie for cookie in cookies if cookie.startswith(NAME)))


@pytest.mark.parametrize("void", VOIDING)
async def test_what_waits_for_a_sign_in_voids_the_device_of_the_sign_in(ticking: RunningApp, void: Void) -> None:
    user_id = await ticking.user()
    await verify_addresses(ticking)
    token, code = token_in(await mailed(ticking, "password_reset")), code_in(await mailed(ticking, "sign_in"))
    by_code = CodeSignIn(email=ADDRESS, code=code, flow=flow_of("sign_in"))
    async with queued(ticking, LOCK, user_id) as queue:
        signed_in = await queue.add(sign_in_by_code(Actor(), ticking.resources, by_code))
        voided = await queue.add(void(ticking, user_id, token))
    await voided
    user = PrincipalUser(user_id, ADDRESS, "Ada", None, None, None)
    cookie = new_device_cookie(Actor(), ticking.resources, user, (await signed_in).proved_at)

    assert not await _is_known(ticking, user_id, cookie)
