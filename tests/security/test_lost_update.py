"""Lost update: of two writes that are based on the same version, the second overwrites the first unseen."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.support.app import RunningApp, items
from tests.support.races import at_once

PATH = "/api/languages/de/translations"
CONCURRENT = 8


@pytest.fixture
async def translators(app: RunningApp) -> list[httpx.AsyncClient]:
    """Translators of German who write at the same time."""
    await app.language("de")
    return [
        await app.signed_in_member("de", "translator", email=f"t{number}@example.org") for number in range(CONCURRENT)
    ]


async def _create(client: httpx.AsyncClient, key: str, text: str) -> httpx.Response:
    return await client.put(f"{PATH}/{key}", json={"text": text}, headers={"If-None-Match": "*"})


async def _put(client: httpx.AsyncClient, text: str) -> httpx.Response:
    return await client.put(f"{PATH}/a", json={"text": text}, headers={"If-Match": '"1"'})


async def _batch(client: httpx.AsyncClient, text: str) -> httpx.Response:
    items = [{"key": "b", "text": text, "version": None}, {"key": "a", "text": text, "version": 1}]
    return await client.post(f"{PATH}/batch", json={"items": items})


async def _delete(client: httpx.AsyncClient, _: str) -> httpx.Response:
    return await client.delete(f"{PATH}/a", headers={"If-Match": '"1"'})


Write = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


@pytest.mark.parametrize(
    "writes", [[_put], [_batch], [_delete], [_put, _batch], [_put, _delete], [_delete, _batch, _put]]
)
async def test_exactly_one_of_concurrent_writes_to_one_version_succeeds(
    translators: list[httpx.AsyncClient], writes: list[Write]
) -> None:
    await _create(translators[0], "a", "first")

    answers = await at_once(
        CONCURRENT, lambda number: writes[number % len(writes)](translators[number], f"text {number}")
    )

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(412) == CONCURRENT - 1
    (accepted,) = [number for number, status in enumerate(statuses) if status != 412]
    history = await items(translators[0], f"{PATH}/a/history")
    deleted = writes[accepted % len(writes)] is _delete
    assert [entry["text"] for entry in history] == ["first", None if deleted else f"text {accepted}"]


async def test_exactly_one_of_concurrent_creations_of_one_key_succeeds(translators: list[httpx.AsyncClient]) -> None:
    answers = await at_once(CONCURRENT, lambda number: _create(translators[number], "a", f"text {number}"))

    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [201] + [412] * (CONCURRENT - 1)
    (text,) = await items(translators[0], PATH)
    assert text["text"] == f"text {statuses.index(201)}"
    assert len(await items(translators[0], f"{PATH}/a/history")) == 1


async def test_a_write_based_on_the_current_version_succeeds(translators: list[httpx.AsyncClient]) -> None:
    """Every writer who reads again succeeds in the end, and the history keeps every text."""
    await _create(translators[0], "a", "first")

    async def write_until_accepted(number: int) -> None:
        while True:
            current = await translators[number].get(f"{PATH}/a")
            answer = await translators[number].put(
                f"{PATH}/a", json={"text": f"{number}"}, headers={"If-Match": current.headers["etag"]}
            )
            if answer.status_code == 200:
                return
            assert answer.status_code == 412

    await at_once(CONCURRENT, write_until_accepted)

    history = await items(translators[0], f"{PATH}/a/history")
    assert [entry["version"] for entry in history] == list(range(1, CONCURRENT + 2))
    assert sorted(entry["text"] for entry in history[1:]) == [str(number) for number in range(CONCURRENT)]
