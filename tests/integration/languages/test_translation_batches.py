"""Batches of translations over HTTP, and bodies over the limit of other routes."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from app.domain.languages.translations.schemas import BATCH_MAX, TEXT_MAX
from app.http.bodies import MAX_BODY_BYTES
from tests.support.app import RunningApp, field_errors, items, problem
from tests.support.translations import NEW, PATH, batch, item, write


@pytest.fixture
async def translator(app: RunningApp) -> httpx.AsyncClient:
    """A translator of German, a language without translations."""
    await app.language("de", "German")
    return await app.signed_in_member("de", "translator")


async def test_the_answer_to_a_batch_has_the_order_of_the_request(translator: httpx.AsyncClient) -> None:
    await write(translator, "b")
    response = await batch(translator, item("c"), item("b", 1, "Moin", state="approved"), item("a"))
    assert response.status_code == 200
    assert [(entry["key"], entry["version"], entry["state"]) for entry in response.json()["items"]] == [
        ("c", 1, "draft"),
        ("b", 2, "approved"),
        ("a", 1, "draft"),
    ]
    assert sorted(response.json()["items"], key=lambda entry: entry["key"]) == await items(translator, PATH)


async def test_a_batch_has_from_1_to_500_items(translator: httpx.AsyncClient) -> None:
    writes = [item(f"k{number}", text="x") for number in range(BATCH_MAX + 1)]
    assert field_errors(await batch(translator, *writes)) == {"items": "too_long"}
    assert field_errors(await batch(translator)) == {"items": "too_short"}
    assert (await batch(translator, *writes[:-1])).status_code == 200
    assert len(await items(translator, PATH, limit=200)) == BATCH_MAX


@pytest.mark.parametrize("escaped", [False, True])
async def test_a_text_of_maximum_length_fits_in_a_body_raw_and_escaped(
    translator: httpx.AsyncClient, escaped: bool
) -> None:
    body = json.dumps({"text": "𐌰" * TEXT_MAX}, ensure_ascii=escaped).encode()
    assert len(body) > MAX_BODY_BYTES
    headers = {**NEW, "Content-Type": "application/json"}
    response = await translator.put(f"{PATH}/long", content=body, headers=headers)
    assert (response.status_code, response.json()["text"]) == (201, "𐌰" * TEXT_MAX)


async def test_a_batch_of_500_texts_of_4000_bytes_fits_and_a_larger_body_is_a_413(
    translator: httpx.AsyncClient,
) -> None:
    fitting = [item(f"k.{number}", text="x" * 4000) for number in range(BATCH_MAX)]
    over = [item(f"l.{number}", text="x" * 4200) for number in range(BATCH_MAX)]
    refused = await batch(translator, *over)
    assert (refused.status_code, problem(refused)["code"]) == (413, "body_too_large")
    assert problem(refused)["detail"]
    assert (await batch(translator, *fitting)).status_code == 200
    assert len(await items(translator, PATH, limit=200)) == BATCH_MAX


async def test_the_body_is_not_read_if_the_caller_may_not_translate(app: RunningApp) -> None:
    await app.language("de")
    reader = await app.signed_in_member("de", email="grace@example.org")
    read = list[bytes]()

    async def body() -> AsyncIterator[bytes]:
        read.append(b"{")
        yield b"{"

    for client, status in ((reader, 403), (app.client(), 401)):
        response = await client.post(f"{PATH}/batch", content=body(), headers={"Content-Type": "application/json"})
        assert response.status_code == status
    assert read == []


async def test_every_error_of_a_batch_is_listed_with_its_path(translator: httpx.AsyncClient) -> None:
    response = await batch(translator, item("a"), {"key": "b", "text": 1, "size": 2}, item("c", 0, "\0"), item(""))
    assert field_errors(response) == {
        "items.1.size": "unknown_field",
        "items.1.text": "wrong_type",
        "items.1.version": "missing",
        "items.2.text": "invalid_character",
        "items.2.version": "out_of_range",
        "items.3.key": "too_short",
    }
    assert await items(translator, PATH) == []


async def test_a_repeated_key_in_a_batch_is_refused(translator: httpx.AsyncClient) -> None:
    response = await batch(translator, item("a"), item("b"), item("a", 1), item("a", 2))
    assert field_errors(response) == {"items.2.key": "duplicate", "items.3.key": "duplicate"}
    assert await items(translator, PATH) == []


async def test_concurrent_batches_of_the_same_keys_in_opposite_orders_do_not_deadlock(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    keys = [f"k{number}" for number in range(50)]
    await batch(translator, *map(item, keys))
    other = await app.signed_in_member("de", "translator", email="eve@example.org")
    answers = await asyncio.gather(
        batch(translator, *[item(key, 1, "Moin") for key in keys]),
        batch(other, *[item(key, 1, "Servus") for key in reversed(keys)]),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
