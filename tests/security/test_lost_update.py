"""Lost updates: of two who change the same version, the second overwrites what the first has written unseen."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.support.app import RunningApp, items
from tests.support.races import at_once

PATH = "/api/languages/de/translations"
RIVALS = 8


@pytest.fixture
async def translators(app: RunningApp) -> list[httpx.AsyncClient]:
    """Translators who are at work at the same time."""
    await app.language("de")
    return [await app.signed_in_member("de", "translator", email=f"t{number}@example.org") for number in range(RIVALS)]


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
async def test_of_all_who_change_one_version_at_once_exactly_one_does(
    translators: list[httpx.AsyncClient], writes: list[Write]
) -> None:
    await _create(translators[0], "a", "first")

    answers = await at_once(RIVALS, lambda number: writes[number % len(writes)](translators[number], f"text {number}"))

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(412) == RIVALS - 1
    (winner,) = [number for number, status in enumerate(statuses) if status != 412]
    history = await items(translators[0], f"{PATH}/a/history")
    deleted = writes[winner % len(writes)] is _delete
    assert [entry["text"] for entry in history] == ["first", None if deleted else f"text {winner}"]


async def test_of_all_who_create_one_key_at_once_exactly_one_does(translators: list[httpx.AsyncClient]) -> None:
    answers = await at_once(RIVALS, lambda number: _create(translators[number], "a", f"text {number}"))

    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [201] + [412] * (RIVALS - 1)
    (text,) = await items(translators[0], PATH)
    assert text["text"] == f"text {statuses.index(201)}"
    assert len(await items(translators[0], f"{PATH}/a/history")) == 1


async def test_who_writes_after_reading_what_won_writes_over_it(translators: list[httpx.AsyncClient]) -> None:
    """Nobody is shut out: each who reads again gets their turn, and no text is lost from the history."""
    await _create(translators[0], "a", "first")

    async def insist(number: int) -> None:
        while True:
            read = await translators[number].get(f"{PATH}/a")
            written = await translators[number].put(
                f"{PATH}/a", json={"text": f"{number}"}, headers={"If-Match": read.headers["etag"]}
            )
            if written.status_code == 200:
                return
            assert written.status_code == 412

    await at_once(RIVALS, insist)

    history = await items(translators[0], f"{PATH}/a/history")
    assert [entry["version"] for entry in history] == list(range(1, RIVALS + 2))
    assert sorted(entry["text"] for entry in history[1:]) == [str(number) for number in range(RIVALS)]
