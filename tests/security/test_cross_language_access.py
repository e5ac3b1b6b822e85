"""Horizontal privilege escalation: a translator and admin of one language reads or writes data of another language."""

from base64 import urlsafe_b64encode
from uuid import UUID

import httpx
import pytest

from tests.support.app import RunningApp, items, problem

GERMAN, DANISH = "/api/languages/de/translations", "/api/languages/da/translations"
IF_MATCH_1 = {"If-Match": '"1"'}


async def _rows(app: RunningApp, code: str) -> list[str]:
    """All rows of a language: its translations, their versions and its members."""
    statement = """
        SELECT translations::text FROM translations WHERE language_code = $1
        UNION ALL SELECT translation_versions::text FROM translation_versions WHERE language_code = $1
        UNION ALL SELECT language_members::text FROM language_members WHERE language_code = $1
    """
    return sorted([row[0] for row in await app.resources.database.pool.fetch(statement, code)])


@pytest.fixture
async def german(app: RunningApp) -> httpx.AsyncClient:
    """A translator and admin of German only; Danish has a translation with the same key."""
    for code in ("de", "da"):
        await app.language(code)
    danish = await app.signed_in_member("da", "translator", "admin", email="dan@example.org")
    await danish.put(f"{DANISH}/greeting", json={"text": "Hej"}, headers={"If-None-Match": "*"})
    client = await app.signed_in_member("de", "translator", "admin")
    await client.put(f"{GERMAN}/greeting", json={"text": "Hallo"}, headers={"If-None-Match": "*"})
    return client


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("PUT", "/greeting", {"text": "Moin"}, IF_MATCH_1),
        ("PUT", "/farewell", {"text": "Moin"}, {"If-None-Match": "*"}),
        ("DELETE", "/greeting", None, IF_MATCH_1),
        ("POST", "/batch", {"items": [{"key": "greeting", "text": "Moin", "version": 1}]}, {}),
        ("POST", "/batch", {"items": [{"key": "farewell", "text": "Moin", "version": None}]}, {}),
        ("GET", "", None, {}),
        ("GET", "/greeting", None, {}),
        ("GET", "/greeting/history", None, {}),
    ],
)
async def test_every_translation_route_of_another_language_is_forbidden(
    app: RunningApp, german: httpx.AsyncClient, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    before = await _rows(app, "da")

    answer = await german.request(method, DANISH + path, json=body, headers=headers)

    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert "Hej" not in answer.text
    assert await _rows(app, "da") == before


async def test_writing_a_key_does_not_change_the_same_key_of_another_language(
    app: RunningApp, german: httpx.AsyncClient
) -> None:
    before = await _rows(app, "da")

    statuses = [
        (await german.put(f"{GERMAN}/greeting", json={"text": "Moin"}, headers=IF_MATCH_1)).status_code,
        (
            await german.post(f"{GERMAN}/batch", json={"items": [{"key": "greeting", "text": "x", "version": 2}]})
        ).status_code,
        (await german.delete(f"{GERMAN}/greeting", headers={"If-Match": '"3"'})).status_code,
    ]

    assert statuses == [200, 200, 204]
    assert await _rows(app, "da") == before


@pytest.mark.parametrize("field", ["language", "languageCode", "language_code", "code"])
async def test_a_language_in_the_body_is_refused(app: RunningApp, german: httpx.AsyncClient, field: str) -> None:
    before = await _rows(app, "da")
    item = {"key": "greeting", "text": "Moin", "version": 1}

    answers = [
        await german.put(f"{GERMAN}/greeting", json={"text": "Moin", field: "da"}, headers=IF_MATCH_1),
        await german.post(f"{GERMAN}/batch", json={"items": [{**item, field: "da"}]}),
        await german.post(f"{GERMAN}/batch", json={"items": [item], field: "da"}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert await _rows(app, "da") == before


@pytest.mark.parametrize(
    "key", ["da/greeting", "../../da/translations/greeting", "/api/languages/da/translations/greeting"]
)
async def test_a_key_with_slashes_is_never_a_path_into_another_language(
    app: RunningApp, german: httpx.AsyncClient, key: str
) -> None:
    before = await _rows(app, "da")

    answer = await german.put(f"{GERMAN}/{key.replace('/', '%2F')}", json={"text": "x"}, headers={"If-None-Match": "*"})

    assert answer.status_code == 201
    assert answer.json()["key"] == key
    assert await _rows(app, "da") == before


@pytest.mark.parametrize("forged", ["", "da", "da\tgreeting", "0", "greetin", "~"])
async def test_a_forged_cursor_shows_no_translation_of_another_language(german: httpx.AsyncClient, forged: str) -> None:
    cursor = urlsafe_b64encode(forged.encode()).decode().rstrip("=")

    for path in (GERMAN, f"{GERMAN}/greeting/history"):
        answer = await german.get(path, params={"cursor": cursor})
        assert answer.status_code in (200, 422)
        assert "Hej" not in answer.text


async def test_a_cursor_from_one_language_is_only_a_position_in_another(
    app: RunningApp, german: httpx.AsyncClient
) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    await german.put(f"{GERMAN}/a", json={"text": "x"}, headers={"If-None-Match": "*"})
    cursor = (await german.get(GERMAN, params={"limit": 1})).json()["nextCursor"]

    answer = await root.get(DANISH, params={"cursor": cursor})

    assert [item["text"] for item in answer.json()["items"]] == ["Hej"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_changing_the_members_of_another_language_is_refused(
    app: RunningApp, german: httpx.AsyncClient, method: str
) -> None:
    before = await _rows(app, "da")
    (danish_member,) = await app.resources.database.pool.fetch(
        "SELECT user_id FROM language_members WHERE language_code = 'da'"
    )
    user_id: UUID = danish_member["user_id"]
    body: dict[str, list[str]] | None = {"roles": []} if method == "PUT" else None

    answers = [
        await german.request(method, f"/api/languages/da/members/{user_id}", json=body),
        await german.request(method, f"/api/languages/de/members/{user_id}", json=body),
    ]

    assert [answer.status_code for answer in answers] == [403, 404]
    assert await _rows(app, "da") == before


async def test_lists_hold_translations_of_the_requested_language_only(german: httpx.AsyncClient) -> None:
    assert [item["text"] for item in await items(german, GERMAN)] == ["Hallo"]
    assert [item["text"] for item in await items(german, f"{GERMAN}/greeting/history")] == ["Hallo"]
