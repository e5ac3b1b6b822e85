"""Change events: an open stream tells what has changed for its session, until the session ends."""

import asyncio
from uuid import UUID

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import end_sessions, set_platform_role, suspend_user
from app.domain.languages.schemas import LanguageChange
from app.domain.languages.service import change_language
from tests.support.app import SECRET, RunningApp, id_of, problem, running, settings_for
from tests.support.event_streams import event_stream

RULES = "event: rules\ndata: {}"


def ended(reason: str) -> str:
    return f'event: ended\ndata: {{"reason":"{reason}"}}'


async def test_a_change_of_roles_is_told(app: RunningApp) -> None:
    await app.language("de")
    ada = await app.user()
    async with event_stream(app.asgi, await app.token(ada)) as stream:
        await app.member(ada, "de", "translator")
        assert await stream.event() == RULES


async def test_a_change_of_the_profile_and_of_a_name_that_the_session_shows_is_told(app: RunningApp) -> None:
    await app.language("de")
    await app.language("fr")
    ada = await app.signed_in_member("de")
    async with event_stream(app.asgi, ada.cookies["auth_session"]) as stream:
        await ada.patch("/api/users/me", json={"name": "Augusta"})
        assert await stream.event() == RULES
        await change_language(OPERATOR, app.resources, "fr", LanguageChange(name="French"))
        await change_language(OPERATOR, app.resources, "de", LanguageChange(name="High German"))
        assert await stream.event() == RULES
        await ada.delete("/api/session")
        assert await stream.event() == ended("signed_out")


async def test_what_the_session_does_not_show_is_no_event(app: RunningApp) -> None:
    ada = await app.user()
    token, other = await app.token(ada), app.with_cookie(await app.token(ada))
    async with event_stream(app.asgi, token) as stream:
        await other.delete("/api/session")  # tells of the user, whose session this stream does not show
        await app.client().post("/api/keys", json={"purpose": "sign_in", "email": "ada@example.org"})
        await app.mails()
        await app.execute("UPDATE users SET last_seen_at = now() WHERE id = $1", ada)
        await set_platform_role(OPERATOR, app.resources, ada, "admin")
        assert await stream.event() == ended("role_changed")


@pytest.mark.parametrize("how", ["signed out", "revoked", "suspended", "deleted"])
async def test_the_end_of_the_session_is_told_with_its_reason_and_ends_the_stream(app: RunningApp, how: str) -> None:
    client = await app.signed_in()
    ada = UUID(await id_of(client))
    reasons = {"signed out": "signed_out", "revoked": "revoked", "suspended": "suspended", "deleted": "account_deleted"}
    async with event_stream(app.asgi, client.cookies["auth_session"]) as stream:
        match how:
            case "signed out":
                await client.delete("/api/session")
            case "revoked":
                await end_sessions(OPERATOR, app.resources, ada)
            case "suspended":
                await suspend_user(OPERATOR, app.resources, ada)
            case _:
                await client.delete("/api/users/me")
        assert await stream.event() == ended(reasons[how])
        assert await stream.event() is None


async def test_a_session_without_a_row_ends_the_stream_without_a_reason(app: RunningApp) -> None:
    async with event_stream(app.asgi, await app.token(await app.user())) as stream:
        await app.execute("DELETE FROM sessions")
        assert await stream.event() is None


async def test_a_new_token_of_the_session_ends_the_stream_of_the_one_before(app: RunningApp) -> None:
    client = await app.signed_in()
    async with event_stream(app.asgi, client.cookies["auth_session"]) as stream:
        again = {"method": "password", "secret": SECRET}
        assert (await client.post("/api/session/reauthentication", json=again)).status_code == 200
        assert await stream.event() == RULES
        assert await stream.event() is None
    async with event_stream(app.asgi, client.cookies["auth_session"]) as stream:
        await client.delete("/api/session")
        assert await stream.event() == ended("signed_out")


async def test_an_open_stream_is_no_use_of_the_session(app: RunningApp, database_url: str) -> None:
    settings = settings_for(database_url, SESSION_IDLE_SECONDS="600", EVENT_HEARTBEAT_SECONDS="1")
    async with running(settings, app.clock) as short:
        token = await short.token(await short.user())
        for minute in (0, 3, 3):
            short.clock.forward(minutes=minute)
            async with event_stream(short.asgi, token) as stream:
                assert await stream.part()
        await short.sessions.flush()
        async with event_stream(short.asgi, token) as stream:
            short.clock.forward(minutes=5)
            assert await stream.event() == ended("expired")
            assert await stream.event() is None
        assert (await short.with_cookie(token).get("/api/session")).json()["ended"]["reason"] == "expired"


async def test_a_session_that_is_used_elsewhere_outlives_its_first_limit_in_a_stream(
    app: RunningApp, database_url: str
) -> None:
    settings = settings_for(database_url, SESSION_IDLE_SECONDS="600", EVENT_HEARTBEAT_SECONDS="1")
    async with running(settings, app.clock) as short:
        token = await short.token(await short.user())
        async with event_stream(short.asgi, token) as stream:
            short.clock.forward(minutes=8)
            await short.with_cookie(token).get("/api/session")
            await short.sessions.flush()
            short.clock.forward(minutes=8)
            await stream.part()
            while await stream.part() != b":\n\n":
                pass
            await short.with_cookie(token).delete("/api/session")
            assert await stream.event() == ended("signed_out")


async def test_a_quiet_stream_has_comments_which_keep_proxies_from_closing_it(
    app: RunningApp, database_url: str
) -> None:
    async with (
        running(settings_for(database_url, EVENT_HEARTBEAT_SECONDS="1"), app.clock) as quick,
        event_stream(quick.asgi, await quick.token(await quick.user())) as stream,
    ):
        assert await stream.part() == b"retry: 2000\nevent: listening\ndata: {}\n\n"
        assert [await stream.part(), await stream.part()] == [b":\n\n", b":\n\n"]
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-store, no-transform"
        assert stream.headers["x-accel-buffering"] == "no"
        assert "content-length" not in stream.headers


async def test_head_has_the_headers_and_an_end(app: RunningApp) -> None:
    async with event_stream(app.asgi, await app.token(await app.user()), "HEAD") as stream:
        assert stream.status == 200
        assert await stream.part() is None


@pytest.mark.parametrize(
    "setting", [{"EVENT_STREAMS_MAX": "0"}, {"PRINCIPAL_CACHE": "0"}, {"DATABASE_POOLER": "transaction"}]
)
async def test_a_service_that_offers_no_events_says_so(
    app: RunningApp, database_url: str, setting: dict[str, str]
) -> None:
    assert (await app.client().get("/api/config")).json()["sessionEvents"] is True
    async with running(settings_for(database_url, **setting), app.clock) as without:
        assert (await without.client().get("/api/config")).json()["sessionEvents"] is False
        client = without.with_cookie(await without.token(await without.user()))
        answer = await client.get("/api/session/events")
        assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")


async def test_changes_that_come_together_are_few_events(app: RunningApp) -> None:
    ada = await app.user()
    token = await app.token(ada)
    async with event_stream(app.asgi, token) as stream:
        for number in range(50):
            await app.execute("UPDATE users SET name = $2 WHERE id = $1", ada, f"Ada {number}")
        assert await stream.event() == RULES
        await app.with_cookie(token).delete("/api/session")
        told = 1
        while (await stream.event()) == RULES:
            told += 1
        assert told < 25


async def test_streams_outlive_an_outage_and_tell_what_they_have_missed(app: RunningApp) -> None:
    ada = await app.user()
    token = await app.token(ada)
    async with event_stream(app.asgi, token) as stream:
        pool = app.resources.database.pool
        await asyncio.gather(
            pool.execute("UPDATE users SET name = 'Augusta' WHERE id = $1", ada),
            pool.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%FROM pg_notify(%'"
                         " AND datname = current_database() AND pid <> pg_backend_pid()"),
            return_exceptions=True,
        )  # fmt: skip
        assert await stream.event() == RULES
