"""Sequence reuse (ABA problem): a copy of the texts of a deleted language takes the numbers of one with its code for
its own, keeps deleted texts and misses new ones in silence."""

import httpx
import pytest

from tests.support.app import RunningApp, problem
from tests.support.translations import PATH, at, batch, item, write

CHANGES = "/api/languages/de/translation-changes"


async def _after(client: httpx.AsyncClient, after: int) -> httpx.Response:
    return await client.get(CHANGES, params={"after": after})


async def _make_again(app: RunningApp, client: httpx.AsyncClient) -> None:
    """Delete German, and create it again with the same translator."""
    root = await app.signed_in("root@example.org", admin=True)
    assert (await root.delete("/api/languages/de")).status_code == 204
    await app.language("de")
    me = (await client.get("/api/session")).json()["user"]["id"]
    await app.member(me, "de", "translator")


@pytest.fixture
async def translator(app: RunningApp) -> httpx.AsyncClient:
    """A translator of a language that has had the changes 1 to 3, was deleted, and exists again."""
    await app.language("de")
    client = await app.signed_in_member("de", "translator")
    await batch(client, item("a"), item("b"), item("c"))
    await _make_again(app, client)
    return client


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_copy_of_the_deleted_language_is_told_to_start_again(translator: httpx.AsyncClient, after: int) -> None:
    refused = await _after(translator, after)
    assert (refused.status_code, problem(refused)["code"]) == (410, "changes_gone")
    await write(translator, "new")
    refused = await _after(translator, after)
    assert (refused.status_code, problem(refused)["code"]) == (410, "changes_gone")
    assert "after=0" in problem(refused)["detail"]


async def test_the_changes_of_the_new_language_go_on_counting(translator: httpx.AsyncClient) -> None:
    assert (await _after(translator, 0)).json() == {"items": [], "nextAfter": 0, "more": False}
    await write(translator, "new")
    changes = (await _after(translator, 0)).json()
    assert [(change["sequence"], change["key"]) for change in changes["items"]] == [(4, "new")]
    assert (await _after(translator, changes["nextAfter"])).json() == {"items": [], "nextAfter": 4, "more": False}


async def test_a_language_that_was_deleted_without_a_change_keeps_the_numbers_of_those_before(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    root = await app.signed_in("rooter@example.org", admin=True)
    await root.delete("/api/languages/de")
    await app.language("de")
    await app.member((await translator.get("/api/session")).json()["user"]["id"], "de", "translator")

    await write(translator, "new")

    assert problem(await _after(translator, 3))["code"] == "changes_gone"
    assert (await _after(translator, 0)).json()["nextAfter"] == 4


async def test_a_number_that_no_change_has_got_yet_is_refused(translator: httpx.AsyncClient) -> None:
    await write(translator, "new")

    for after in (5, 2**63 - 1):
        refused = await _after(translator, after)
        assert (refused.status_code, problem(refused)["code"]) == (410, "changes_gone")


async def test_an_etag_of_the_deleted_language_never_matches_in_the_new_one(translator: httpx.AsyncClient) -> None:
    created = await write(translator, "a", "new")

    assert created.json()["version"] == 2
    answers = [
        await translator.put(f"{PATH}/a", json={"text": "x"}, headers=at(1)),
        await translator.delete(f"{PATH}/a", headers=at(1)),
        await batch(translator, item("a", 1)),
    ]
    assert [answer.status_code for answer in answers] == [412] * 3
    assert (await translator.get(f"{PATH}/a", headers={"If-None-Match": '"1"'})).status_code == 200
    assert (await translator.put(f"{PATH}/a", json={"text": "x"}, headers=at(2))).json()["version"] == 3
