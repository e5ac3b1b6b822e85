"""`If-Match` and `If-None-Match` over HTTP: several lines are one list, and what is no list of tags is 422."""

import httpx
import pytest

from tests.support.app import RunningApp, field_errors
from tests.support.translations import PATH, at, write


@pytest.fixture
async def ada(app: RunningApp) -> httpx.AsyncClient:
    """A translator of German, who has written `greeting` twice."""
    await app.language("de")
    client = await app.signed_in_member("de", "translator")
    await write(client, "greeting")
    assert (await client.put(f"{PATH}/greeting", json={"text": "Moin"}, headers=at(1))).status_code == 200
    return client


async def put(client: httpx.AsyncClient, *values: str, header: str = "If-Match") -> httpx.Response:
    """Write with one line of the header for each value."""
    headers = httpx.Headers([("Origin", client.headers["Origin"]), *[(header, value) for value in values]])
    return await client.put(f"{PATH}/greeting", json={"text": "Servus"}, headers=headers)


@pytest.mark.parametrize("values", [('"1"', '"2"'), ('"2"', '"1"'), ("", 'W/"2"'), ('"9", "2"', '"1"')])
async def test_several_lines_of_if_match_are_one_list(ada: httpx.AsyncClient, values: tuple[str, ...]) -> None:
    assert (await put(ada, *values)).status_code == 200


async def test_several_lines_without_the_present_version_are_412(ada: httpx.AsyncClient) -> None:
    assert (await put(ada, '"1"', '"3"')).status_code == 412


@pytest.mark.parametrize("values", [("",), (",",), ("", ""), ('*, "2"',), ("*", '"2"'), ('"2"', "*"), ("*", "*")])
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
async def test_what_is_no_list_of_tags_is_refused(ada: httpx.AsyncClient, header: str, values: tuple[str, ...]) -> None:
    assert field_errors(await put(ada, *values, header=header)) == {header: "invalid"}


@pytest.mark.parametrize("values", [('"1"', '"2"'), ('"2"', '"1"')])
async def test_several_lines_of_if_none_match_are_one_list(ada: httpx.AsyncClient, values: tuple[str, ...]) -> None:
    headers = httpx.Headers([("If-None-Match", value) for value in values])
    assert (await ada.get(f"{PATH}/greeting", headers=headers)).status_code == 304
