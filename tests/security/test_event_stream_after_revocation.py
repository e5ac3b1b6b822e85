"""Streams of events that survive a revocation: the holder of an ended session goes on learning what happens."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import delete_user, end_sessions, restore_user, set_platform_role, suspend_user
from tests.support.app import SECRET, RunningApp
from tests.support.event_streams import event_stream

End = Callable[[RunningApp, UUID, str], Awaitable[object]]
QUIET_SECONDS = 0.3


async def _new_secret(app: RunningApp, _: UUID, token: str) -> None:
    other = app.with_cookie(token)
    await other.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})
    await other.put("/api/keys/primary/secret", json={"secret": "nine gulls above the north pier"})


ENDS: dict[str, End] = {
    "sign-out": lambda app, _, token: app.with_cookie(token).delete("/api/session"),
    "revocation": lambda app, user, _: end_sessions(OPERATOR, app.resources, user),
    "suspension": lambda app, user, _: suspend_user(OPERATOR, app.resources, user),
    "suspension by SQL": lambda app, user, _: app.execute("UPDATE users SET status = 'suspended' WHERE id = $1", user),
    "deletion": lambda app, user, _: delete_user(OPERATOR, app.resources, user),
    "deletion by SQL": lambda app, user, _: app.execute("DELETE FROM users WHERE id = $1", user),
    "a new role": lambda app, user, _: set_platform_role(OPERATOR, app.resources, user, "admin"),
    "an earlier limit": lambda app, user, _: app.execute(
        "UPDATE sessions SET idle_expires_at = created_at, expires_at = created_at WHERE user_id = $1", user
    ),
    "truncation": lambda app, _, __: app.execute("TRUNCATE sessions"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_the_end_of_a_session_ends_its_stream(app: RunningApp, end: str) -> None:
    user = await app.user()
    token = await app.token(user)
    async with event_stream(app.asgi, token) as stream:
        await ENDS[end](app, user, token)

        event = await stream.event()

        assert event is None or (event.startswith("event: ended") and await stream.event() is None)


async def test_a_secret_that_is_changed_in_another_session_ends_the_stream(app: RunningApp) -> None:
    user = await app.user()
    async with event_stream(app.asgi, await app.token(user)) as stream:
        await _new_secret(app, user, await app.token(user))

        assert await stream.event() == 'event: ended\ndata: {"reason":"secret_changed"}'
        assert await stream.event() is None


async def test_a_suspended_user_opens_no_stream_until_they_are_restored_and_sign_in(app: RunningApp) -> None:
    user = await app.user()
    token = await app.token(user)
    await suspend_user(OPERATOR, app.resources, user)
    assert (await app.with_cookie(token).get("/api/session/events")).status_code == 401
    await restore_user(OPERATOR, app.resources, user)
    assert (await app.with_cookie(token).get("/api/session/events")).status_code == 401
    assert (await app.with_cookie(await app.token(user)).get("/api/session/events")).status_code == 200


async def test_a_session_that_ends_before_its_stream_has_begun_is_not_missed(app: RunningApp) -> None:
    for _ in range(20):
        token = await app.token(await app.user())
        ending = asyncio.create_task(app.execute("DELETE FROM users"))
        async with event_stream(app.asgi, token) as stream:
            await ending
            assert stream.status == 401 or await stream.event() is None


async def test_what_happens_to_others_is_no_event(app: RunningApp) -> None:
    mallory, ada = await app.user("mallory@example.org"), await app.user()
    async with event_stream(app.asgi, await app.token(mallory)) as stream:
        assert await stream.part()
        await app.language("de")
        await app.member(ada, "de", "admin")
        await suspend_user(OPERATOR, app.resources, ada)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(QUIET_SECONDS):
                await stream.part()
