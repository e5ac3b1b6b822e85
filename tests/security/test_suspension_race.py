"""Race condition on suspension: a sign-in or redemption at the moment of a suspension outlives the suspension."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from app.domain.keys.service import user_id_of_email
from tests.support.app import CREDENTIALS, SECRET, RunningApp
from tests.support.races import at_once, queued

LOCK_USER = "SELECT 1 FROM users WHERE id = $1 FOR UPDATE"
NEW_SECRET = "nine quiet herons over water"

Action = Callable[[RunningApp, str, httpx.AsyncClient], Coroutine[Any, Any, httpx.Response]]


async def _redeem(app: RunningApp, token: str, _: httpx.AsyncClient) -> httpx.Response:
    async with app.client() as client:
        return await client.post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": SECRET})


async def _sign_in(app: RunningApp, _: str, __: httpx.AsyncClient) -> httpx.Response:
    async with app.client() as client:
        return await client.post("/api/session", json=CREDENTIALS)


async def _reauthenticate(_: RunningApp, __: str, browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})


async def _change_secret(_: RunningApp, __: str, browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.put("/api/keys/primary/secret", json={"secret": NEW_SECRET})


async def _user_to_suspend(app: RunningApp, action: Action) -> tuple[UUID, str, httpx.AsyncClient]:
    """Create a user. Returns the user's id, the token of an invitation for `_redeem`, and the user's browser."""
    if action is _redeem:
        token = await app.invitation("eve@example.org")
        return await user_id_of_email(app.resources, "eve@example.org"), token, app.client()
    browser = await app.signed_in()
    return await user_id_of_email(app.resources, "ada@example.org"), "", browser


async def _assert_no_access(app: RunningApp, user: UUID) -> None:
    pool = app.resources.database.pool
    assert await pool.fetchval("SELECT status FROM users WHERE id = $1", user) == "suspended"
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 0
    assert await pool.fetchval("SELECT count(*) FROM keys WHERE kind = 'single_use' AND used_at IS NULL") == 0


@pytest.mark.parametrize("suspended_first", [True, False])
@pytest.mark.parametrize("action", [_redeem, _sign_in, _reauthenticate, _change_secret])
async def test_a_suspension_revokes_the_access_of_a_concurrent_request(
    app: RunningApp, action: Action, suspended_first: bool
) -> None:
    user, token, browser = await _user_to_suspend(app, action)
    calls: list[Callable[[], Coroutine[Any, Any, httpx.Response | None]]] = [
        lambda: suspend_user(OPERATOR, app.resources, user),
        lambda: action(app, token, browser),
    ]

    async with queued(app, LOCK_USER, user) as queue:
        tasks = [await queue.add(call()) for call in (calls if suspended_first else reversed(calls))]
    suspension, action_task = tasks if suspended_first else reversed(tasks)

    await suspension
    answer = await action_task
    assert answer is not None
    assert answer.status_code in ((401, 410) if suspended_first else (200, 201, 204)), answer.text
    await _assert_no_access(app, user)


@pytest.mark.parametrize("action", [_redeem, _sign_in, _reauthenticate, _change_secret])
async def test_a_suspension_revokes_the_access_of_many_concurrent_requests(app: RunningApp, action: Action) -> None:
    for _ in range(5):
        await app.resources.database.pool.execute("TRUNCATE users, keys, sessions, rate_limits CASCADE")
        user, token, browser = await _user_to_suspend(app, action)

        async def call(number: int) -> httpx.Response | None:
            if number != 7:
                return await action(app, token, browser)  # noqa: B023 # awaited within the round
            await suspend_user(OPERATOR, app.resources, user)  # noqa: B023 # awaited within the round
            return None

        # One session can have 10 step-ups under way.
        answers = await at_once(11, call)

        assert {answer.status_code for answer in answers if answer} <= {200, 201, 204, 401, 410}
        await _assert_no_access(app, user)
