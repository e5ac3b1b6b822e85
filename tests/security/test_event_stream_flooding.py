"""Flooding by streams of events: one user, or clients that read nothing, take the places and the memory of all."""

from contextlib import AsyncExitStack

from structlog.testing import capture_logs

from app.domain.sessions.change_events import STREAMS_PER_USER
from tests.support.app import RunningApp, problem, running, settings_for, until
from tests.support.event_streams import EventClient, event_stream


async def test_a_user_has_few_streams_whatever_sessions_they_are_of(app: RunningApp) -> None:
    ada, eve = await app.user(), await app.user("eve@example.org")
    tokens = [await app.token(ada) for _ in range(STREAMS_PER_USER + 1)]
    async with AsyncExitStack() as held:
        for token in tokens[:-1]:
            await held.enter_async_context(event_stream(app.asgi, token))

        answer = await app.with_cookie(tokens[-1]).get("/api/session/events")
        assert (answer.status_code, problem(answer)["code"]) == (429, "too_many_requests")
        assert int(answer.headers["retry-after"]) > 0
        assert (await app.with_cookie(await app.token(eve)).get("/api/session/events")).status_code == 200

    assert (await app.with_cookie(tokens[-1]).get("/api/session/events")).status_code == 200


async def test_all_users_together_have_as_many_streams_as_the_setting_says(app: RunningApp, database_url: str) -> None:
    async with running(settings_for(database_url, EVENT_STREAMS_MAX="3"), app.clock) as few, AsyncExitStack() as held:
        for number in range(3):
            token = await few.token(await few.user(f"user{number}@example.org"))
            await held.enter_async_context(event_stream(few.asgi, token))
        client = few.with_cookie(await few.token(await few.user()))

        answer = await client.get("/api/session/events")

        assert (answer.status_code, problem(answer)["code"]) == (503, "temporarily_unavailable")
        assert (await client.get("/api/sessions")).status_code == 200


async def test_held_streams_are_no_running_requests(app: RunningApp, database_url: str) -> None:
    async with running(settings_for(database_url, REQUESTS_MAX="2"), app.clock) as small, AsyncExitStack() as held:
        token = await small.token(await small.user())
        for _ in range(STREAMS_PER_USER):
            await held.enter_async_context(event_stream(small.asgi, token))

        assert (await small.with_cookie(token).get("/api/sessions")).status_code == 200


async def test_refused_and_anonymous_requests_take_no_place(app: RunningApp) -> None:
    ada = app.with_cookie(await app.token(await app.user()))
    for _ in range(3 * STREAMS_PER_USER):
        assert (await app.client().get("/api/session/events")).status_code == 401
        assert (await ada.get("/api/session/events", params={"since": "1"})).status_code == 422
        assert (await ada.get("/api/session/events")).status_code == 200
        assert (await ada.head("/api/session/events")).status_code == 200


async def test_a_client_that_reads_nothing_holds_one_event_at_most(app: RunningApp) -> None:
    ada = await app.user()
    token = await app.token(ada)
    async with event_stream(app.asgi, token) as stream:
        stream.reads.clear()
        for number in range(100):
            await app.execute("UPDATE users SET name = $2 WHERE id = $1", ada, f"Ada {number}")
        stream.reads.set()
        await app.with_cookie(token).delete("/api/session")

        events = list[str]()
        while (event := await stream.event()) is not None:
            events.append(event)

    assert len(events) <= 3
    assert events[-1].startswith("event: ended")


async def test_a_client_that_reads_nothing_for_a_while_loses_its_place(app: RunningApp, database_url: str) -> None:
    settings = settings_for(database_url, READER_TIMEOUT_SECONDS="1", EVENT_STREAMS_MAX="1")
    async with running(settings, app.clock) as strict:
        ada = await strict.user()
        client = strict.with_cookie(await strict.token(ada))

        async def has_room() -> bool:
            return (await client.get("/api/session/events")).status_code == 200

        with capture_logs() as logs:
            async with event_stream(strict.asgi, await strict.token(ada)) as stream:
                await _block(strict, stream)
                assert not await has_room()
                await until(has_room)

    assert [entry["event"] for entry in logs if entry["event"] != "request_refused"] == ["answer_not_read"]


async def _block(app: RunningApp, stream: EventClient) -> None:
    assert await stream.part()
    stream.reads.clear()
    await app.execute("UPDATE users SET name = 'Augusta'")
