"""Partial write: some items of a batch are written although others are refused, or the connection is lost."""

import httpx
import pytest

from tests.support.app import RunningApp, problem
from tests.support.races import queued

PATH = "/api/languages/de/translations"
LOCK_HISTORY = "LOCK TABLE translation_versions IN EXCLUSIVE MODE"
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def _item(key: str, version: int | None, text: str = "new") -> dict[str, object]:
    return {"key": key, "text": text, "version": version}


@pytest.fixture
async def translator(app: RunningApp) -> httpx.AsyncClient:
    """A translator of German with three translations: `a` and `c` at version 1, `b` at version 2."""
    await app.language("de")
    client = await app.signed_in_member("de", "translator")
    old = [_item(key, None, "old") for key in "abc"]
    assert (await client.post(f"{PATH}/batch", json={"items": old})).status_code == 200
    assert (await client.put(f"{PATH}/b", json={"text": "meanwhile"}, headers={"If-Match": '"1"'})).status_code == 200
    return client


async def _rows(app: RunningApp) -> list[str]:
    texts = "SELECT translations::text FROM translations"
    history = "SELECT translation_versions::text FROM translation_versions"
    return sorted([row[0] for row in await app.resources.database.pool.fetch(f"{texts} UNION ALL {history}")])


@pytest.mark.parametrize(
    ("items", "stale"),
    [
        ([_item("a", 1), _item("b", 1), _item("c", 1)], [1]),
        ([_item("new", None), _item("a", 1), _item("c", 2)], [2]),
        ([_item("new", 1), _item("a", 1)], [0]),
        ([_item("a", None), _item("c", 1)], [0]),
        ([_item("c", 7), _item("a", 1), _item("b", None), _item("new", None)], [0, 2]),
    ],
)
async def test_a_stale_item_refuses_the_batch_and_every_stale_item_is_named(
    app: RunningApp, translator: httpx.AsyncClient, items: list[dict[str, object]], stale: list[int]
) -> None:
    before = await _rows(app)

    answer = await translator.post(f"{PATH}/batch", json={"items": items})

    assert (answer.status_code, problem(answer)["code"]) == (412, "version_conflict")
    assert [error["field"] for error in problem(answer)["errors"]] == [f"items.{index}" for index in stale]
    assert await _rows(app) == before


@pytest.mark.parametrize(
    "malformed",
    [
        _item("", None),
        _item("batch", None),
        _item("n", 0),
        _item("a", 1),
        {**_item("n", None), "x": 1},
        _item("n", None, "\0"),
    ],
)
async def test_a_malformed_item_refuses_the_batch(
    app: RunningApp, translator: httpx.AsyncClient, malformed: dict[str, object]
) -> None:
    before = await _rows(app)

    answer = await translator.post(f"{PATH}/batch", json={"items": [_item("a", 1), _item("new", None), malformed]})

    assert answer.status_code == 422
    assert await _rows(app) == before


async def test_a_lost_connection_rolls_the_batch_back(app: RunningApp, translator: httpx.AsyncClient) -> None:
    before = await _rows(app)

    async with queued(app, LOCK_HISTORY) as queue:
        write = await queue.add(translator.post(f"{PATH}/batch", json={"items": [_item("a", 1), _item("new", None)]}))
        (waiting,) = await app.resources.database.pool.fetch(WAITING)
        await app.resources.database.pool.execute("SELECT pg_terminate_backend($1)", waiting["pid"])
        answer = await write

    assert (answer.status_code, problem(answer)["code"]) == (503, "temporarily_unavailable")
    assert await _rows(app) == before
    again = await translator.post(f"{PATH}/batch", json={"items": [_item("a", 1), _item("new", None)]})
    assert again.status_code == 200
