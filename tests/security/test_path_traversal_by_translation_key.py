"""Path traversal: an encoded slash, percent sign or dot in a translation key reaches another key or another route."""

import httpx
import pytest

from tests.support.app import RunningApp, items

PATH = "/api/languages/de/translations"
NEW = {"If-None-Match": "*"}


@pytest.fixture
async def translator(app: RunningApp) -> httpx.AsyncClient:
    """A translator of German, which has one translation; Danish exists too."""
    for code in ("de", "da"):
        await app.language(code)
    client = await app.signed_in_member("de", "translator")
    await client.put(f"{PATH}/greeting", json={"text": "Hallo"}, headers=NEW)
    return client


async def _keys(client: httpx.AsyncClient) -> list[str]:
    return [text["key"] for text in await items(client, PATH)]


@pytest.mark.parametrize("spelling", ["a%2Fb", "a%2fb", "%61%2F%62", "a%2F%62"])
async def test_an_encoded_slash_belongs_to_the_key_in_every_spelling(
    translator: httpx.AsyncClient, spelling: str
) -> None:
    answer = await translator.put(f"{PATH}/{spelling}", json={"text": "x"}, headers=NEW)

    assert answer.status_code == 201
    assert answer.headers["location"] == f"{PATH}/a%2Fb"
    assert await _keys(translator) == ["a/b", "greeting"]


@pytest.mark.parametrize(
    "spelling",
    [
        "a%252Fb", "a%25252Fb", "%252e%252e", "a%25b", "%25", "a%252fb", "a%5Cb", "%2E%2E", "%2e", "a%00b", "a%0Ab",
        "a%20b", "a%3Fb", "a%23b", "%FF", "%C0%AF", "a%ED%A0%80", "%EF%BC%8F", "%FF%2F", "%2F%C3", "batch", "%62atch",
    ],
)  # fmt: skip
async def test_nothing_is_decoded_twice_and_an_invalid_key_is_refused(
    translator: httpx.AsyncClient, spelling: str
) -> None:
    for method, headers in (("PUT", NEW), ("DELETE", {"If-Match": '"1"'}), ("GET", {})):
        body = {"text": "x"} if method == "PUT" else None
        answer = await translator.request(method, f"{PATH}/{spelling}", json=body, headers=headers)
        assert answer.status_code in (400, 405, 422), (method, answer.text)

    assert await _keys(translator) == ["greeting"]


@pytest.mark.parametrize("path", ["/api/languages/de/%74ranslations", "/api//languages/de//translations"])
async def test_no_spelling_of_the_route_decodes_a_key_twice(translator: httpx.AsyncClient, path: str) -> None:
    answer = await translator.put(f"{path}/a%252Fb", json={"text": "x"}, headers=NEW)

    assert answer.status_code in (404, 422)
    assert await _keys(translator) == ["greeting"]


@pytest.mark.parametrize("spelling", ["a/b", "/a", "a//b", "a/", "greeting/x", "./greeting/x", "a/../b"])
async def test_a_slash_that_is_not_encoded_is_never_part_of_a_key(translator: httpx.AsyncClient, spelling: str) -> None:
    answer = await translator.put(f"{PATH}/{spelling}", json={"text": "x"}, headers=NEW)

    assert answer.status_code in (404, 405, 201)
    assert all("/" not in key for key in await _keys(translator))


async def test_the_history_of_a_key_differs_from_a_key_that_ends_in_history(translator: httpx.AsyncClient) -> None:
    await translator.put(f"{PATH}/greeting%2Fhistory", json={"text": "x"}, headers=NEW)

    assert (await translator.get(f"{PATH}/greeting%2Fhistory")).json()["key"] == "greeting/history"
    assert [entry["text"] for entry in await items(translator, f"{PATH}/greeting/history")] == ["Hallo"]
    assert [entry["text"] for entry in await items(translator, f"{PATH}/greeting%2Fhistory/history")] == ["x"]


@pytest.mark.parametrize(
    "code",
    [
        "de%2F..%2Fda", "da%2F", "%64a", "de%2Fda", "da%2Ftranslations", "de/../da", "de%00", "DA", "de%20", "d%65%2F",
        "de,da", "%2A",
    ],
)  # fmt: skip
async def test_no_spelling_of_a_language_code_reaches_another_language(
    translator: httpx.AsyncClient, code: str
) -> None:
    answer = await translator.get(f"/api/languages/{code}/translations")

    assert answer.status_code in (400, 403, 404)
