"""A refused write is told which version it has met, who has written that and when."""

from uuid import UUID

import httpx
import pytest

from tests.support.app import RunningApp, id_of
from tests.support.translations import NEW, PATH, at, batch, item, write


@pytest.fixture
async def ada(app: RunningApp) -> httpx.AsyncClient:
    """A translator of German."""
    await app.language("de")
    return await app.signed_in_member("de", "translator")


@pytest.fixture
async def bob(app: RunningApp, ada: httpx.AsyncClient) -> httpx.AsyncClient:  # noqa: ARG001 # creates the language
    """Another translator of German, who has been active since joining."""
    client = await app.signed_in_member("de", "translator", email="bob@example.org")
    app.clock.forward(minutes=5)
    seen = "UPDATE users SET name = 'Bob', last_seen_at = $2 WHERE id = $1"
    await app.resources.database.pool.execute(seen, UUID(await id_of(client)), app.clock())
    return client


async def conflict(response: httpx.Response) -> object:
    """The present version that a 412 tells."""
    assert (response.status_code, response.json()["code"]) == (412, "version_conflict"), response.text
    return response.json()["current"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_412_tells_the_present_version_its_author_and_time(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient, method: str
) -> None:
    await write(ada, "greeting")
    changed = await bob.put(f"{PATH}/greeting", json={"text": "Moin"}, headers=at(1))
    body = {"text": "Servus"} if method == "PUT" else None
    current = await conflict(await ada.request(method, f"{PATH}/greeting", json=body, headers=at(1)))
    assert current == {
        "version": 2,
        "updatedBy": await id_of(bob),
        "updatedByName": "Bob",
        "updatedAt": changed.json()["updatedAt"],
    }


async def test_a_412_about_a_new_key_tells_the_version_that_exists(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await write(bob, "greeting")
    current = await conflict(await ada.put(f"{PATH}/greeting", json={"text": "x"}, headers=NEW))
    assert isinstance(current, dict)
    assert (current["version"], current["updatedByName"]) == (1, "Bob")


async def test_a_412_about_a_deleted_translation_tells_who_has_deleted_it_and_when(
    app: RunningApp, ada: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await write(ada, "greeting")
    app.clock.forward(minutes=5)
    assert (await bob.delete(f"{PATH}/greeting", headers=at(1))).status_code == 204
    current = await conflict(await ada.put(f"{PATH}/greeting", json={"text": "x"}, headers=at(1)))
    assert current == {
        "version": None,
        "updatedBy": await id_of(bob),
        "updatedByName": "Bob",
        "updatedAt": "2026-06-01T12:10:00Z",
    }


async def test_a_412_about_a_key_that_never_was_tells_null(ada: httpx.AsyncClient) -> None:
    assert await conflict(await ada.put(f"{PATH}/greeting", json={"text": "x"}, headers=at(1))) is None


async def test_a_batch_tells_the_present_version_of_each_stale_item(
    ada: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await write(ada, "a")
    await write(bob, "b")
    await bob.put(f"{PATH}/b", json={"text": "again"}, headers=at(1))
    response = await batch(ada, item("a", 1), item("b", 1), item("c", 7))
    assert response.status_code == 412
    errors = {error["field"]: error["current"] for error in response.json()["errors"]}
    assert (errors["items.1"]["version"], errors["items.1"]["updatedByName"]) == (2, "Bob")
    assert (set(errors), errors["items.2"]) == ({"items.1", "items.2"}, None)
    assert "current" not in response.json()


async def test_a_batch_of_one_names_its_stale_item_too(ada: httpx.AsyncClient) -> None:
    await write(ada, "a")
    response = await batch(ada, item("a", 2))
    assert [(error["field"], error["current"]["version"]) for error in response.json()["errors"]] == [("items.0", 1)]


@pytest.mark.parametrize(
    ("exists", "language", "text"),
    [
        ("now", "en", "Look at the present version"),
        ("before", "en", "has been deleted meanwhile. If it is still needed, save it as new."),
        ("never", "en", "This does not exist. If it is needed, save it as new."),
        ("before", "de", "Das wurde inzwischen gelöscht. Wenn es noch gebraucht wird"),
        ("never", "de", "Das gibt es nicht. Wenn es gebraucht wird"),
    ],
)
async def test_a_412_asks_nobody_to_look_at_a_version_that_is_not_there(
    ada: httpx.AsyncClient, exists: str, language: str, text: str
) -> None:
    if exists != "never":
        await write(ada, "greeting")
    if exists == "before":
        await ada.delete(f"{PATH}/greeting", headers=at(1))
    ada.headers["Accept-Language"] = language
    refused = await ada.put(f"{PATH}/greeting", json={"text": "x"}, headers=at(7))
    one_of_batch = await batch(ada, item("greeting", 7))
    for answer in refused, one_of_batch:
        assert text in answer.json()["text"]
        assert ("present version, and" in answer.json()["detail"]) is (exists == "now")
    (error,) = one_of_batch.json()["errors"]
    assert error["message"].partition(".")[0] in one_of_batch.json()["text"]


async def test_a_412_about_items_of_several_kinds_has_the_general_text(ada: httpx.AsyncClient) -> None:
    await write(ada, "a")
    refused = (await batch(ada, item("a", 7), item("b", 7))).json()
    assert "present version" in refused["text"]
    assert [error.get("params") for error in refused["errors"]] == [None, {"reason": "missing"}]


async def test_the_name_of_an_author_who_is_no_member_any_more_is_not_told(
    app: RunningApp, ada: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await write(bob, "greeting")
    bob_id = await id_of(bob)
    assert (await bob.delete("/api/languages/de/members/me")).status_code == 204
    current = await conflict(await ada.put(f"{PATH}/greeting", json={"text": "x"}, headers=at(7)))
    assert isinstance(current, dict)
    assert (current["updatedBy"], current["updatedByName"]) == (bob_id, None)
    await app.execute("DELETE FROM users WHERE id = $1", UUID(bob_id))
    current = await conflict(await ada.put(f"{PATH}/greeting", json={"text": "x"}, headers=at(7)))
    assert isinstance(current, dict)
    assert (current["version"], current["updatedBy"], current["updatedByName"]) == (1, None, None)


async def test_other_problems_have_no_current_version(ada: httpx.AsyncClient) -> None:
    response = await ada.put(f"{PATH}/greeting", json={"wrong": 1}, headers=NEW)
    assert response.status_code == 422
    assert "current" not in response.text
