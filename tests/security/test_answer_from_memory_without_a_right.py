"""Attack: reading what others have brought into memory. The guards of a route decide before an answer from memory."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.support.app import RunningApp

LANGUAGE = "/api/languages/de"


@pytest.fixture
async def reader(app: RunningApp) -> httpx.AsyncClient:
    """A member who has brought the language and their own session into memory."""
    await app.language("de")
    client = await app.signed_in_member("de")
    for _ in range(2):
        assert (await client.get(LANGUAGE)).status_code == 200
        assert (await client.get("/api/session")).json()["user"]
    return client


@pytest.mark.usefixtures("reader")
async def test_somebody_without_a_right_is_refused_as_without_memory(app: RunningApp) -> None:
    stranger = await app.signed_in("eve@example.org")
    unfinished = await app.signed_in("mallory@example.org", onboarded=False)
    answers = [await client.get(LANGUAGE) for client in (app.client(), stranger, unfinished)]
    assert [answer.json()["code"] for answer in answers] == ["not_signed_in", "forbidden", "onboarding_required"]
    assert not any("German" in answer.text for answer in answers)


@pytest.mark.usefixtures("reader")
async def test_a_request_without_a_session_gets_no_kept_session(app: RunningApp) -> None:
    assert (await app.client().get("/api/session")).json()["user"] is None


async def leave(app: RunningApp) -> None:
    await app.execute("DELETE FROM language_members")


async def suspend(app: RunningApp) -> None:
    await app.execute("UPDATE users SET status = 'suspended'")


async def delete_language(app: RunningApp) -> None:
    await app.execute("DELETE FROM languages")


@pytest.mark.parametrize("lose", [leave, suspend, delete_language])
async def test_a_right_that_is_lost_ends_the_answer(
    app: RunningApp, reader: httpx.AsyncClient, lose: Callable[[RunningApp], Awaitable[None]]
) -> None:
    await lose(app)
    assert (await reader.get(LANGUAGE)).status_code in (401, 403)


async def test_the_answer_changes_with_the_language(app: RunningApp, reader: httpx.AsyncClient) -> None:
    await app.execute("UPDATE languages SET name = 'Deutsch'")
    assert (await reader.get(LANGUAGE)).json()["name"] == "Deutsch"


async def test_a_query_and_another_case_are_answered_as_by_the_route(reader: httpx.AsyncClient) -> None:
    assert (await reader.get(LANGUAGE, params={"a": "b"})).json()["code"] == "validation_failed"
    assert (await reader.get("/api/languages/DE")).json()["code"] == "de"
