"""ETag reuse (ABA problem): the ETag of a deleted translation matches a new translation with the same key."""

import httpx
import pytest

from tests.support.app import RunningApp, items

PATH = "/api/languages/de/translations"
STALE = {"If-Match": '"1"'}


@pytest.fixture
async def translator(app: RunningApp) -> httpx.AsyncClient:
    """A translator with the ETag of a translation that has been deleted and created again since."""
    await app.language("de")
    client = await app.signed_in_member("de", "translator")
    for text in ("old", "new"):
        await client.put(f"{PATH}/a", json={"text": text}, headers={"If-None-Match": "*"})
        if text == "old":
            assert (await client.delete(f"{PATH}/a", headers=STALE)).status_code == 204
    return client


async def test_an_etag_from_before_a_deletion_never_matches_again(translator: httpx.AsyncClient) -> None:
    before = await items(translator, PATH)

    answers = [
        await translator.put(f"{PATH}/a", json={"text": "x"}, headers=STALE),
        await translator.put(f"{PATH}/a", json={"text": "x"}, headers={"If-Match": '"2"'}),
        await translator.delete(f"{PATH}/a", headers=STALE),
        await translator.post(f"{PATH}/batch", json={"items": [{"key": "a", "text": "x", "version": 1}]}),
    ]

    assert [answer.status_code for answer in answers] == [412] * 4
    assert before[0]["version"] == 3
    assert await items(translator, PATH) == before


async def test_deletions_never_reuse_a_version(translator: httpx.AsyncClient) -> None:
    seen = {1, 3}
    for _ in range(5):
        etag = (await translator.get(f"{PATH}/a")).headers["etag"]
        await translator.delete(f"{PATH}/a", headers={"If-Match": etag})
        created = await translator.put(f"{PATH}/a", json={"text": "x"}, headers={"If-None-Match": "*"})
        assert created.json()["version"] > max(seen)
        seen.add(created.json()["version"])
    versions = [entry["version"] for entry in await items(translator, f"{PATH}/a/history")]
    assert versions == list(range(1, max(seen) + 1))


async def test_an_etag_gives_no_permission_on_another_key_or_language(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    """The path names the translation; the ETag is only compared with the version of that translation."""
    await translator.put(f"{PATH}/b", json={"text": "b"}, headers={"If-None-Match": "*"})

    assert (await translator.put(f"{PATH}/b", json={"text": "x"}, headers={"If-Match": '"3"'})).status_code == 412
    await app.language("da")
    other = await translator.put("/api/languages/da/translations/a", json={"text": "x"}, headers={"If-Match": '"3"'})
    assert other.status_code == 403
