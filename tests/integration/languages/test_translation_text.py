"""Real text in two scripts, written by the batch route and read back page by page.

The text is Genesis 1-20 in the American Standard Version of 1901 and in the Hebrew of the Westminster Leningrad Codex.
Both are in the public domain.
"""

import csv
import unicodedata
from pathlib import Path

import httpx
import pytest

from tests.support.app import RunningApp, items, pages, problem

GENESIS = Path(__file__).parents[2] / "data" / "genesis.tsv"
BATCH_SIZE = 500
APPROVED_COUNT = 100


def verses(code: str) -> dict[str, str]:
    """The verses in one language, by key."""
    with GENESIS.open(newline="", encoding="utf-8") as file:
        return {row["key"]: row[code] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


ENGLISH, HEBREW = verses("en"), verses("he")


async def load(client: httpx.AsyncClient, code: str, texts: dict[str, str]) -> None:
    """Write all texts, in batches of `BATCH_SIZE`."""
    new = [{"key": key, "text": text, "version": None} for key, text in texts.items()]
    for start in range(0, len(new), BATCH_SIZE):
        response = await client.post(
            f"/api/languages/{code}/translations/batch", json={"items": new[start : start + BATCH_SIZE]}
        )
        assert response.status_code == 200, response.text


@pytest.fixture
async def library(app: RunningApp) -> httpx.AsyncClient:
    """A translator of English and Hebrew. Both languages have all verses."""
    user_id = await app.user()
    for code, name in (("en", "English"), ("he", "Hebrew")):
        await app.language(code, name)
        await app.member(user_id, code, "translator")
    client = app.with_cookie(await app.token(user_id))
    await load(client, "en", ENGLISH)
    await load(client, "he", HEBREW)
    return client


def test_the_data_has_1000_verses_in_a_left_to_right_and_a_right_to_left_script() -> None:
    assert ENGLISH.keys() == HEBREW.keys()
    assert len(ENGLISH) + len(HEBREW) >= 1000
    assert {unicodedata.bidirectional(text[0]) for text in ENGLISH.values()} <= {"L", "ON"}
    assert {unicodedata.bidirectional(text[0]) for text in HEBREW.values()} == {"R"}


async def test_the_pages_contain_every_verse_once_in_the_order_of_keys(library: httpx.AsyncClient) -> None:
    for code, texts in (("en", ENGLISH), ("he", HEBREW)):
        found = await pages(library, f"/api/languages/{code}/translations", limit=60)
        assert [len(page) for page in found] == [60] * 8 + [34]
        read = {item["key"]: item["text"] for page in found for item in page}
        assert list(read) == sorted(texts)
        assert read == {key: unicodedata.normalize("NFC", text) for key, text in texts.items()}


async def test_combining_marks_are_stored_in_the_order_of_nfc(library: httpx.AsyncClient) -> None:
    """The codex orders the combining marks of Hebrew in another way than Unicode's normalization form C."""
    reordered = [key for key, text in HEBREW.items() if unicodedata.normalize("NFC", text) != text]
    assert len(reordered) > 500
    key = reordered[0]
    read = (await library.get(f"/api/languages/he/translations/{key}")).json()["text"]
    assert read != HEBREW[key]
    assert unicodedata.normalize("NFD", read) == unicodedata.normalize("NFD", HEBREW[key])


@pytest.mark.parametrize(
    ("prefix", "count"), [("genesis.1.", 31), ("genesis.1", 292), ("genesis.20.18", 1), ("Gen", 0)]
)
async def test_translations_are_filtered_by_a_prefix_of_their_keys(
    library: httpx.AsyncClient, prefix: str, count: int
) -> None:
    found = await items(library, "/api/languages/he/translations", prefix=prefix, limit=20)
    assert [item["key"] for item in found] == sorted(key for key in HEBREW if key.startswith(prefix))
    assert len(found) == count


async def test_a_batch_with_one_stale_version_changes_nothing(library: httpx.AsyncClient) -> None:
    await library.put(
        "/api/languages/he/translations/genesis.1.3",
        json={"text": "אור", "state": "approved"},
        headers={"If-Match": '"1"'},
    )
    before = await items(library, "/api/languages/he/translations")
    chapter = [item for item in before if item["key"].startswith("genesis.1.")]
    body = {"items": [{"key": item["key"], "text": f"{item['text']} ", "version": 1} for item in chapter]}
    response = await library.post("/api/languages/he/translations/batch", json=body)
    assert response.status_code == 412
    stale = [chapter[int(error["field"].removeprefix("items."))]["key"] for error in problem(response)["errors"]]
    assert stale == ["genesis.1.3"]
    assert await items(library, "/api/languages/he/translations") == before


async def test_a_batch_does_not_change_the_same_keys_of_another_language(library: httpx.AsyncClient) -> None:
    english = await items(library, "/api/languages/en/translations")
    approval = [
        {"key": key, "text": text, "version": 1, "state": "approved"}
        for key, text in list(HEBREW.items())[:APPROVED_COUNT]
    ]
    await library.post("/api/languages/he/translations/batch", json={"items": approval})
    assert len(await items(library, "/api/languages/he/translations", state="approved")) == APPROVED_COUNT
    assert await items(library, "/api/languages/en/translations") == english
