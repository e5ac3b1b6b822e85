"""Session flooding: sign-ins without end fill the table of sessions, and hide a stolen session in the list of them."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, RunningApp, is_signed_in, running, settings_for
from tests.support.mailbox import ask, token_in
from tests.support.races import at_once

COUNT = "SELECT count(*) FROM sessions WHERE user_id = $1"


async def sign_in(app: RunningApp, **credentials: str) -> httpx.AsyncClient:
    client = app.client()
    answer = await client.post("/api/session", json=credentials or CREDENTIALS)
    assert answer.status_code == 201, answer.text
    return client


@pytest.mark.parametrize("method", ["password", "link"])
async def test_past_the_cap_a_sign_in_ends_the_oldest_session_and_no_other(
    app: RunningApp, database_url: str, method: str
) -> None:
    user_id, other = await app.user(), await app.user("eve@example.org")
    # The first proof of the address would end all sessions.
    await app.execute("UPDATE users SET email_verified_at = $1", app.clock())
    bystander = app.with_cookie(await app.token(other))
    async with running(settings_for(database_url, SESSIONS_PER_USER="3"), app.clock) as capped:
        clients = [await sign_in(capped) for _ in range(3)]
        assert [await is_signed_in(client) for client in clients] == [True] * 3
        credentials = CREDENTIALS
        if method == "link":
            assert (await ask(capped.client(), "sign_in", CREDENTIALS["email"])).status_code == 202
            credentials = {"method": "link", "token": token_in((await capped.mails())[-1])}
        clients.append(await sign_in(capped, **credentials))
        assert [await is_signed_in(client) for client in clients] == [False, True, True, True]
        assert await is_signed_in(bystander)
        assert await app.resources.database.pool.fetchval(COUNT, user_id) == 3


async def test_a_client_that_signs_in_again_ends_its_own_session_and_not_the_oldest(
    app: RunningApp, database_url: str
) -> None:
    await app.user()
    async with running(settings_for(database_url, SESSIONS_PER_USER="2"), app.clock) as capped:
        oldest, newest = await sign_in(capped), await sign_in(capped)
        assert (await newest.post("/api/session", json=CREDENTIALS)).status_code == 201
        assert [await is_signed_in(client) for client in (oldest, newest)] == [True, True]


async def test_a_session_that_has_expired_takes_no_place(app: RunningApp, database_url: str) -> None:
    user_id = await app.user()
    settings = settings_for(database_url, SESSIONS_PER_USER="2", SESSION_IDLE_SECONDS="60")
    async with running(settings, app.clock) as capped:
        oldest = await sign_in(capped)
        app.clock.forward(seconds=61)
        second, third = await sign_in(capped), await sign_in(capped)
        assert [await is_signed_in(client) for client in (oldest, second, third)] == [False, True, True]
        assert await app.resources.database.pool.fetchval(COUNT, user_id) == 3


async def test_the_sign_in_after_many_at_once_leaves_no_more_than_the_cap(app: RunningApp, database_url: str) -> None:
    user_id = await app.user()
    async with running(settings_for(database_url, SESSIONS_PER_USER="2"), app.clock) as capped:
        await at_once(8, lambda _: sign_in(capped))
        last = await sign_in(capped)
        assert await is_signed_in(last)
        assert await app.resources.database.pool.fetchval(COUNT, user_id) == 2
