"""A copy of the texts of a language that follows the changes is exact, whatever is written meanwhile."""

import asyncio
import os
import random
from typing import Any

import httpx
import pytest

from tests.support.app import RunningApp, items, problem
from tests.support.races import at_once
from tests.support.translations import NEW, PATH, at, batch, item, write

CHANGES = "/api/languages/de/translation-changes"
WRITES = 400 if os.environ.get("OSTIARY_LONG") else 40


@pytest.fixture
async def translator(app: RunningApp) -> httpx.AsyncClient:
    """A translator of German."""
    await app.language("de")
    return await app.signed_in_member("de", "translator")


class Copy:
    """A copy of all texts, and the number of the last change that it has."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.texts: dict[str, tuple[str, int]] = {}
        self.after = 0

    async def follow(self, limit: int = 3) -> bool:
        """Take one page of changes. Returns whether there are more already."""
        answer = await self._client.get(CHANGES, params={"after": self.after, "limit": limit})
        assert answer.status_code == 200, answer.text
        for change in answer.json()["items"]:
            assert change["sequence"] > self.after
            self.after = change["sequence"]
            self.texts.pop(change["key"], None)
            if not change["deleted"]:
                self.texts[change["key"]] = (change["text"], change["version"])
        assert answer.json()["nextAfter"] >= self.after
        self.after = answer.json()["nextAfter"]
        more: bool = answer.json()["more"]
        return more


async def server_texts(client: httpx.AsyncClient) -> dict[str, tuple[str, int]]:
    return {text["key"]: (text["text"], text["version"]) for text in await items(client, PATH)}


async def test_changes_have_numbers_without_gaps_and_tell_deletions(translator: httpx.AsyncClient) -> None:
    await write(translator, "a")
    await batch(translator, item("b"), item("c"))
    await translator.put(f"{PATH}/a", json={"text": "Moin"}, headers=at(1))
    await translator.delete(f"{PATH}/b", headers=at(1))
    changes = (await translator.get(CHANGES)).json()
    assert [(change["sequence"], change["key"], change["deleted"]) for change in changes["items"]] == [
        (3, "c", False),
        (4, "a", False),
        (5, "b", True),
    ]
    assert (changes["nextAfter"], changes["more"]) == (5, False)
    deleted = changes["items"][-1]
    assert (deleted["text"], deleted["state"], deleted["version"], deleted["languageCode"]) == (None, None, 2, "de")
    assert (await translator.get(CHANGES, params={"after": 5})).json() == {"items": [], "nextAfter": 5, "more": False}


async def test_a_refused_write_takes_no_number(translator: httpx.AsyncClient) -> None:
    await write(translator, "a")
    assert (await batch(translator, item("b"), item("a", 7))).status_code == 412
    await write(translator, "c")
    assert (await translator.get(CHANGES)).json()["nextAfter"] == 2


async def test_each_language_counts_its_own_changes(app: RunningApp, translator: httpx.AsyncClient) -> None:
    await write(translator, "a")
    await app.language("fr")
    french = await app.signed_in_member("fr", "translator", email="eve@example.org")
    await french.put("/api/languages/fr/translations/a", json={"text": "x"}, headers=NEW)
    answer = await french.get("/api/languages/fr/translation-changes")
    assert [change["sequence"] for change in answer.json()["items"]] == [1]
    assert problem(await french.get(CHANGES))["code"] == "forbidden"


@pytest.mark.parametrize("after", ["-1", "x", str(2**63), "1.5"])
async def test_a_number_that_is_none_is_422(translator: httpx.AsyncClient, after: str) -> None:
    assert (await translator.get(CHANGES, params={"after": after})).status_code == 422


async def test_a_copy_that_follows_while_others_write_ends_as_the_server(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    copy, done = Copy(translator), asyncio.Event()

    async def write_at_random(number: int) -> None:
        chance = random.Random(number)  # noqa: S311 # no secret
        for _ in range(WRITES):
            texts = await server_texts(translator)
            key = f"key.{chance.randrange(8)}"
            version = texts[key][1] if key in texts else None
            body: dict[str, Any] = {"text": f"{number} {chance.random()}"}
            if chance.random() < 0.3:
                await batch(translator, item(key, version, **body), item(f"key.{9 + number}.{chance.random()}"))
            elif version and chance.random() < 0.4:
                await translator.delete(f"{PATH}/{key}", headers=at(version))
            else:
                await translator.put(f"{PATH}/{key}", json=body, headers=at(version) if version else NEW)

    async def follow() -> None:
        while not done.is_set():
            await copy.follow()

    following = asyncio.create_task(follow())
    await at_once(4, write_at_random)
    done.set()
    await following
    while await copy.follow():
        pass
    assert copy.texts == await server_texts(translator)
    assert copy.after == await app.resources.database.pool.fetchval("SELECT count(*) FROM translation_versions")


async def test_a_change_that_waits_for_its_commit_is_not_overtaken(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    insert = "INSERT INTO translation_versions (language_code, key, version, changed_at) VALUES ('de', $1, 1, now())"
    pool = app.resources.database.pool
    async with pool.acquire() as slow, slow.transaction():
        await slow.execute(insert, "slow")
        fast = asyncio.create_task(pool.execute(insert, "fast"))
        done, _ = await asyncio.wait([fast], timeout=0.1)
        assert (done, (await translator.get(CHANGES)).json()["items"]) == (set(), [])
    await fast
    assert [change["key"] for change in (await translator.get(CHANGES)).json()["items"]] == ["slow", "fast"]
