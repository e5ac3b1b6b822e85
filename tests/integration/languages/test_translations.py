"""Translations over HTTP: writing with a version, reading, listing, deleting and the history."""

from urllib.parse import quote

import httpx
import pytest

from app.domain.languages.translations.schemas import TEXT_MAX
from tests.support.app import RunningApp, field_errors, id_of, items, pages
from tests.support.translations import NEW, PATH, at, batch, item, write

JUNE = "2026-06-01T12:00:00Z"


@pytest.fixture
async def translator(app: RunningApp) -> httpx.AsyncClient:
    """A translator of German, a language without translations."""
    await app.language("de", "German")
    return await app.signed_in_member("de", "translator")


async def test_a_new_translation_is_answered_with_location_and_etag(translator: httpx.AsyncClient) -> None:
    response = await write(translator, "greeting")
    assert response.headers["location"] == f"{PATH}/greeting"
    assert response.headers["etag"] == '"1"'
    author = await id_of(translator)
    assert response.json() == {
        "languageCode": "de", "key": "greeting", "text": "Hallo", "state": "draft", "version": 1, "updatedBy": author,
        "updatedAt": JUNE,
    }  # fmt: skip
    read = await translator.get(response.headers["location"])
    assert (read.json(), read.headers["etag"]) == (response.json(), '"1"')


async def test_a_write_with_the_present_version_replaces_the_text(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    await write(translator, "greeting")
    app.clock.forward(minutes=5)
    response = await translator.put(f"{PATH}/greeting", json={"text": "Moin"}, headers=at(1))
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')
    assert "location" not in response.headers
    assert (response.json()["text"], response.json()["updatedAt"]) == ("Moin", "2026-06-01T12:05:00Z")
    assert (await translator.get(f"{PATH}/greeting")).json() == response.json()


async def test_a_write_sets_the_state_and_a_write_without_a_state_makes_a_draft(
    translator: httpx.AsyncClient,
) -> None:
    await write(translator, "greeting")
    states = [
        (await translator.put(f"{PATH}/greeting", json=body, headers=at(version))).json()["state"]
        for version, body in enumerate([{"text": "Hallo", "state": "approved"}, {"text": "Moin"}], start=1)
    ]
    assert states == ["approved", "draft"]


async def test_a_deleted_translation_is_not_found_and_its_history_is_kept(translator: httpx.AsyncClient) -> None:
    await write(translator, "greeting")
    response = await translator.delete(f"{PATH}/greeting", headers=at(1))
    assert (response.status_code, response.content) == (204, b"")
    assert (await translator.get(f"{PATH}/greeting")).status_code == 404
    assert await items(translator, PATH) == []
    history = await items(translator, f"{PATH}/greeting/history")
    assert [(entry["version"], entry["text"], entry["state"]) for entry in history] == [
        (1, "Hallo", "draft"),
        (2, None, None),
    ]


async def test_version_numbers_continue_after_a_deletion(translator: httpx.AsyncClient) -> None:
    await write(translator, "greeting")
    await translator.delete(f"{PATH}/greeting", headers=at(1))
    assert (await write(translator, "greeting", "Moin")).headers["etag"] == '"3"'


async def test_the_history_has_every_change_with_its_user_and_time(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    other = await app.signed_in_member("de", "translator", email="eve@example.org")
    authors = [await id_of(client) for client in (translator, other)]
    await write(translator, "greeting")
    app.clock.forward(hours=1)
    await other.put(f"{PATH}/greeting", json={"text": "Moin", "state": "approved"}, headers=at(1))
    app.clock.forward(hours=1)
    await batch(translator, item("greeting", 2, "Servus"))
    history = await items(translator, f"{PATH}/greeting/history", limit=1)
    assert {(entry.pop("languageCode"), entry.pop("key")) for entry in history} == {("de", "greeting")}
    assert history == [
        {"version": 1, "text": "Hallo", "state": "draft", "changedBy": authors[0], "changedAt": JUNE},
        {
            "version": 2,
            "text": "Moin",
            "state": "approved",
            "changedBy": authors[1],
            "changedAt": "2026-06-01T13:00:00Z",
        },
        {
            "version": 3,
            "text": "Servus",
            "state": "draft",
            "changedBy": authors[0],
            "changedAt": "2026-06-01T14:00:00Z",
        },
    ]


@pytest.mark.parametrize("key", ["greeting", "greeting/history"])
async def test_an_unknown_key_is_a_404_only_if_the_caller_may_read_the_language(
    app: RunningApp, translator: httpx.AsyncClient, key: str
) -> None:
    answers = [
        await client.get(f"{PATH}/{key}")
        for client in (translator, await app.signed_in("eve@example.org"), app.client())
    ]
    assert [answer.status_code for answer in answers] == [404, 403, 401]


async def test_a_platform_admin_may_read_and_gets_404_for_an_unknown_language(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language("de")
    assert await items(admin, PATH) == []
    for path in ("", "/greeting", "/greeting/history"):
        assert (await admin.get(f"/api/languages/da/translations{path}")).status_code == 404


@pytest.mark.parametrize(
    "key",
    ["a", "A.b_c:d-e", "a/b/c", "/", "//", "a/", "...", "a/../b", "a/.", "history", "a/history", "Batch", "x" * 200],
)
async def test_a_key_of_letters_digits_and_allowed_punctuation_is_stored_unchanged(
    translator: httpx.AsyncClient, key: str
) -> None:
    created = await write(translator, key.replace("/", "%2F"))
    read = await translator.get(created.headers["location"])
    assert read.json()["key"] == created.json()["key"] == key
    assert (await translator.get(f"{created.headers['location']}/history")).status_code == 200
    assert (await batch(translator, item(key, 1, "Moin"))).json()["items"][0]["key"] == key
    assert [found["key"] for found in await items(translator, PATH, prefix=key)] == [key]


@pytest.mark.parametrize(
    "key", ["x" * 201, "a b", "ä", "a\\b", "a+b", "a,b", "a\u200b", "\u0661", "a\n", "*", "a'b", "a%b"]
)
async def test_any_other_key_is_a_422(translator: httpx.AsyncClient, key: str) -> None:
    put = await translator.put(f"{PATH}/{quote(key)}", json={"text": "x"}, headers=NEW)
    assert field_errors(put) == {"key": "invalid"}
    assert field_errors(await batch(translator, item("a"), item(key))).keys() == {"items.1.key"}
    assert await items(translator, PATH) == []


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"text": "missing"}),
        ({"text": "x" * (TEXT_MAX + 1)}, {"text": "too_long"}),
        ({"text": None}, {"text": "wrong_type"}),
        ({"text": "a\0b"}, {"text": "invalid_character"}),
        ({"text": "x", "state": "final"}, {"state": "invalid"}),
        ({"text": "x", "version": 1}, {"version": "unknown_field"}),
    ],
)
async def test_a_malformed_text_is_a_422_and_changes_nothing(
    translator: httpx.AsyncClient, body: dict[str, object], errors: dict[str, str]
) -> None:
    assert field_errors(await translator.put(f"{PATH}/greeting", json=body, headers=NEW)) == errors
    assert await items(translator, PATH) == []


@pytest.mark.parametrize("text", ["", "שלום", "x" * TEXT_MAX, "line\nbreak\ttab", "👩‍👩‍👧"])
async def test_a_text_in_nfc_is_stored_unchanged(translator: httpx.AsyncClient, text: str) -> None:
    await write(translator, "greeting", text)
    assert (await translator.get(f"{PATH}/greeting")).json()["text"] == text


async def test_a_text_is_stored_in_nfc(translator: httpx.AsyncClient) -> None:
    created = await write(translator, "umlaut", "A\u0308rger")
    assert created.json()["text"] == "Ärger"
    written = await batch(translator, item("umlaut", 1, "O\u0308l"))
    assert written.json()["items"][0]["text"] == "Öl"
    assert [entry["text"] for entry in await items(translator, f"{PATH}/umlaut/history")] == ["Ärger", "Öl"]


async def test_the_length_of_a_text_counts_characters_in_nfc(translator: httpx.AsyncClient) -> None:
    decomposed = await write(translator, "decomposed", "e\u0301" * TEXT_MAX)
    assert decomposed.json()["text"] == "\u00e9" * TEXT_MAX
    longer = {"text": "\ufb2c" * TEXT_MAX}  # each is three characters in NFC
    assert field_errors(await translator.put(f"{PATH}/longer", json=longer, headers=NEW)) == {"text": "too_long"}
    stored = (await translator.get(f"{PATH}/decomposed")).json()["text"]
    again = await translator.put(f"{PATH}/decomposed", json={"text": stored}, headers=at(1))
    assert (again.status_code, again.json()["text"]) == (200, stored)


async def test_a_batch_names_each_text_that_is_too_long_in_nfc_and_changes_nothing(
    translator: httpx.AsyncClient,
) -> None:
    longer = "\ufb2c" * TEXT_MAX
    refused = await batch(translator, item("a", text=longer), item("b"), item("c", text=longer))
    assert field_errors(refused) == {"items.0.text": "too_long", "items.2.text": "too_long"}
    assert await items(translator, PATH) == []


async def test_a_list_is_filtered_by_prefix_state_and_time(app: RunningApp, translator: httpx.AsyncClient) -> None:
    for key in ("menu.file", "menu.open", "menu_open", "Menu.file", "title"):
        await write(translator, key)
        app.clock.forward(minutes=1)
    await translator.put(f"{PATH}/menu.open", json={"text": "Öffnen", "state": "approved"}, headers=at(1))

    async def keys(**filters: str) -> list[str]:
        found = await pages(translator, PATH, limit=1, **filters)
        return [entry["key"] for page in found for entry in page]

    assert await keys() == ["Menu.file", "menu.file", "menu.open", "menu_open", "title"]
    assert await keys(prefix="menu.") == ["menu.file", "menu.open"]
    assert await keys(prefix="menu_") == ["menu_open"]
    assert await keys(state="approved") == ["menu.open"]
    assert await keys(prefix="menu", state="draft") == ["menu.file", "menu_open"]
    assert await keys(updatedAfter="2026-06-01T12:02:00Z") == ["Menu.file", "menu.open", "title"]
    assert await keys(updatedAfter="2026-06-01T14:02:00+02:00") == ["Menu.file", "menu.open", "title"]
    assert await keys(updatedAfter="2026-06-01T12:05:00Z") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prefix", "a b"), ("prefix", "x" * 201), ("state", "final"), ("updatedAfter", "yesterday"),
        ("updatedAfter", "0001-01-01T00:00:00+14:00"), ("limit", "201"), ("cursor", "!"),
    ],
)  # fmt: skip
async def test_a_malformed_filter_is_a_422_that_names_the_query_parameter(
    translator: httpx.AsyncClient, field: str, value: str
) -> None:
    assert field_errors(await translator.get(PATH, params={field: value})).keys() == {field}


async def test_deleting_a_language_deletes_its_translations_and_their_history(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    await write(translator, "greeting")
    admin = await app.signed_in("root@example.org", admin=True)
    assert (await admin.delete("/api/languages/de")).status_code == 204
    left = "SELECT (SELECT count(*) FROM translations) + (SELECT count(*) FROM translation_versions)"
    assert await app.resources.database.pool.fetchval(left) == 0


async def test_translations_of_a_deleted_user_are_kept_without_an_author(
    app: RunningApp, translator: httpx.AsyncClient
) -> None:
    await write(translator, "greeting")
    admin = await app.signed_in("root@example.org", admin=True)
    assert (await admin.delete(f"/api/users/{await id_of(translator)}")).status_code == 204
    read = (await admin.get(f"{PATH}/greeting")).json()
    assert (read["text"], read["updatedBy"]) == ("Hallo", None)
    (entry,) = await items(admin, f"{PATH}/greeting/history")
    assert (entry["text"], entry["changedBy"]) == ("Hallo", None)
