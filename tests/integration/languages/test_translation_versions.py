"""Conditional requests for translations (RFC 9110 section 13): a write names the version that it replaces."""

import httpx
import pytest

from tests.support.app import RunningApp, field_errors, items, problem
from tests.support.translations import NEW, PATH, at, write


@pytest.fixture
async def translator(app: RunningApp) -> httpx.AsyncClient:
    """A translator of German, a language without translations."""
    await app.language("de", "German")
    return await app.signed_in_member("de", "translator")


async def change(translator: httpx.AsyncClient, method: str, headers: dict[str, str]) -> httpx.Response:
    """The answer to writing or deleting the text `greeting`."""
    body = {"text": "Moin"} if method == "PUT" else None
    return await translator.request(method, f"{PATH}/greeting", json=body, headers=headers)


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": '"1"'}])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_write_without_a_version_is_a_428(
    translator: httpx.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    before = await write(translator, "greeting")
    response = await change(translator, method, headers)
    assert (response.status_code, problem(response)["code"]) == (428, "precondition_required")
    assert (await translator.get(f"{PATH}/greeting")).json() == before.json()


@pytest.mark.parametrize(
    "headers",
    [
        at(2), at(0), {"If-Match": 'W/"2"'}, {"If-Match": '"2", W/"3"'}, {**at(1), "If-None-Match": 'W/"1"'},
        {"If-Match": '"01"'}, {"If-Match": '"-1"'}, {"If-Match": f'"{2**31}"'},
        {"If-Match": f'"{"9" * 400}"'}, {"If-Match": '"\u0661"'.encode()}, {**at(1), **NEW}, NEW,
    ],
)  # fmt: skip
async def test_a_write_with_any_other_version_is_a_412_and_changes_nothing(
    translator: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    before = await write(translator, "greeting")
    response = await translator.put(f"{PATH}/greeting", json={"text": "Moin"}, headers=headers)
    assert (response.status_code, problem(response)["code"]) == (412, "version_conflict")
    assert (await translator.get(f"{PATH}/greeting")).json() == before.json()
    assert len(await items(translator, f"{PATH}/greeting/history")) == 1


@pytest.mark.parametrize("named", ['W/"1"', '"1-gzip"', 'W/"1-br"', '"1", "2"', '"2" ,W/"1"', "*"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_write_takes_weak_forms_lists_and_an_asterisk_for_the_present_version(
    translator: httpx.AsyncClient, method: str, named: str
) -> None:
    await write(translator, "greeting")
    response = await change(translator, method, {"If-Match": named})
    assert response.status_code == (200 if method == "PUT" else 204), response.text
    assert [entry["version"] for entry in await items(translator, f"{PATH}/greeting/history")] == [1, 2]


@pytest.mark.parametrize("value", ["1", '"1', '"1" "2"', '*, "1"', "", ","])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_write_with_a_malformed_version_is_a_422_about_the_header(
    translator: httpx.AsyncClient, method: str, value: str
) -> None:
    await write(translator, "greeting")
    response = await change(translator, method, {"If-Match": value})
    assert field_errors(response) == {"If-Match": "invalid"}
    assert len(await items(translator, f"{PATH}/greeting/history")) == 1


@pytest.mark.parametrize("named", ["*", '"1"', 'W/"1"', '"7", "1-gzip"'])
async def test_a_read_of_a_version_that_the_client_has_is_a_304(translator: httpx.AsyncClient, named: str) -> None:
    await write(translator, "greeting")
    response = await translator.get(f"{PATH}/greeting", headers={"If-None-Match": named})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", '"1"')
    assert (await translator.get(f"{PATH}/greeting", headers={"If-None-Match": '"2"'})).status_code == 200
    assert (await translator.get(f"{PATH}/farewell", headers={"If-None-Match": named})).status_code == 404


@pytest.mark.parametrize("named", ['"1"', "*"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_write_with_a_version_of_a_missing_translation_is_a_412(
    translator: httpx.AsyncClient, method: str, named: str
) -> None:
    response = await change(translator, method, {"If-Match": named})
    assert response.status_code == 412
    assert await items(translator, PATH) == []
