"""Languages over HTTP: creating, listing by role, reading, changing and deleting."""

from base64 import urlsafe_b64encode

import httpx
import pytest

from tests.support.app import RunningApp, field_errors, problem

MANY = 2000


async def codes_of(client: httpx.AsyncClient, limit: int = 200) -> list[list[str]]:
    """The codes on every page of the list."""
    pages = list[list[str]]()
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get("/api/languages", params={"limit": limit, "cursor": cursor})).json()
        pages.append([language["code"] for language in page["items"]])
        cursor = page["nextCursor"]
    return pages


async def many_languages(app: RunningApp) -> list[str]:
    """Insert 2,000 languages, and return their codes in order."""
    await app.resources.database.pool.execute(
        """INSERT INTO languages (code, name, autonym, text_direction, created_at)
           SELECT 'x-' || lpad(n::text, 4, '0'), 'Language', 'Language', 'ltr', now() FROM generate_series(1, $1) n""",
        MANY,
    )
    return [f"x-{number:04}" for number in range(1, MANY + 1)]


async def test_a_created_language_has_a_location_and_an_autonym_and_direction_from_its_code(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    response = await admin.post("/api/languages", json={"code": "PT-br", "name": "Brazilian Portuguese"})
    assert response.status_code == 201
    assert response.headers["location"] == "/api/languages/pt-BR"
    assert response.json() == {
        "code": "pt-BR",
        "name": "Brazilian Portuguese",
        "autonym": "português (Brasil)",
        "textDirection": "ltr",
        "createdAt": "2026-06-01T12:00:00Z",
    }
    assert (await admin.get(response.headers["location"])).json() == response.json()


async def test_an_autonym_and_a_direction_that_are_sent_are_stored(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    sent = {"code": "ku", "name": "Kurdish", "autonym": "کوردی", "textDirection": "rtl"}
    assert (await admin.post("/api/languages", json=sent)).json().items() >= sent.items()


async def test_the_text_direction_follows_from_the_code(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    created = (await admin.post("/api/languages", json={"code": "iw", "name": "Hebrew"})).json()
    assert (created["code"], created["autonym"], created["textDirection"]) == ("he", "עברית", "rtl")


async def test_another_spelling_of_the_code_of_a_language_is_a_409(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language("de", "German")
    for code in ("de", "DE", "deu"):
        response = await admin.post("/api/languages", json={"code": code, "name": "Another"})
        assert (response.status_code, problem(response)["code"]) == (409, "language_exists")
    assert (await admin.get("/api/languages/de")).json()["name"] == "German"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"code": "missing", "name": "missing"}),
        ({"code": "german", "name": "German"}, {"code": "invalid_language_tag"}),
        ({"code": "", "name": ""}, {"code": "too_short", "name": "too_short"}),
        ({"code": "de", "name": "x" * 201}, {"name": "too_long"}),
        ({"code": "de", "name": "German", "textDirection": "down"}, {"textDirection": "invalid"}),
        ({"code": "de", "name": "German", "autonym": "Deutsch\0"}, {"autonym": "invalid_character"}),
        ({"code": "de", "name": "German", "created_at": "now"}, {"created_at": "unknown_field"}),
    ],
)
async def test_a_malformed_language_is_a_422_and_creates_nothing(
    app: RunningApp, body: dict[str, str], errors: dict[str, str]
) -> None:
    admin = await app.signed_in(admin=True)
    assert field_errors(await admin.post("/api/languages", json=body)) == errors
    assert await codes_of(admin) == [[]]


async def test_the_pages_contain_every_language_once_in_order(app: RunningApp) -> None:
    codes = await many_languages(app)
    pages = await codes_of(await app.signed_in(admin=True))
    assert [len(page) for page in pages] == [200] * 10
    assert [code for page in pages for code in page] == codes


async def test_a_member_lists_only_the_languages_of_their_memberships(app: RunningApp) -> None:
    codes = await many_languages(app)
    user_id = await app.user()
    own_codes = [codes[number] for number in (0, 700, 1999)]
    for code, roles in zip(own_codes, [("admin",), ("translator",), ()], strict=True):
        await app.member(user_id, code, *roles)
    client = app.with_cookie(await app.token(user_id))
    assert await codes_of(client) == [own_codes]
    assert await codes_of(client, limit=2) == [own_codes[:2], own_codes[2:]]


async def test_a_cursor_discloses_no_language_that_the_user_may_not_read(app: RunningApp) -> None:
    await many_languages(app)
    client = await app.signed_in()
    cursor = urlsafe_b64encode(b"x-0001").decode()
    assert (await client.get("/api/languages", params={"cursor": cursor})).json() == {"items": [], "nextCursor": None}


async def test_a_language_created_between_two_requests_does_not_shift_the_next_page(app: RunningApp) -> None:
    for code in ("da", "de", "fi", "sv"):
        await app.language(code, code)
    admin = await app.signed_in(admin=True)
    first = (await admin.get("/api/languages", params={"limit": 2})).json()
    await app.language("cs", "Czech")
    second = (await admin.get("/api/languages", params={"limit": 2, "cursor": first["nextCursor"]})).json()
    assert [language["code"] for page in (first, second) for language in page["items"]] == ["da", "de", "fi", "sv"]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "9" * 400}, "limit"),
        ({"cursor": "!"}, "cursor"),
        ({"cursor": "x" * 401}, "cursor"),
        ({"cursor": "AA"}, "cursor"),
    ],
)
async def test_a_malformed_limit_or_cursor_is_a_422_that_names_the_parameter(
    app: RunningApp, parameters: dict[str, str], field: str
) -> None:
    admin = await app.signed_in(admin=True)
    assert field_errors(await admin.get("/api/languages", params=parameters)).keys() == {field}


async def test_a_patch_changes_only_the_fields_that_are_sent(app: RunningApp) -> None:
    await app.language("de", "German")
    admin = await app.signed_in(admin=True)
    before = (await admin.get("/api/languages/de")).json()
    response = await admin.patch("/api/languages/de", json={"name": "High German"})
    assert response.status_code == 200
    assert response.json() == {**before, "name": "High German"}
    sent = {"autonym": "Hochdeutsch", "textDirection": "rtl"}
    assert (await admin.patch("/api/languages/de", json=sent)).json() == {**before, "name": "High German", **sent}
    assert (await admin.patch("/api/languages/de", json={})).json()["name"] == "High German"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"code": "da"}, {"code": "unknown_field"}),
        ({"name": None}, {"name": "wrong_type"}),
        ({"name": "", "autonym": "x" * 801}, {"name": "too_short", "autonym": "too_long"}),
    ],
)
async def test_a_malformed_change_changes_nothing(
    app: RunningApp, body: dict[str, object], errors: dict[str, str]
) -> None:
    await app.language("de", "German")
    admin = await app.signed_in(admin=True)
    assert field_errors(await admin.patch("/api/languages/de", json=body)) == errors
    assert (await admin.get("/api/languages/de")).json()["name"] == "German"


async def test_a_language_admin_changes_their_language_but_neither_creates_nor_deletes_one(app: RunningApp) -> None:
    await app.language("de", "German")
    user_id = await app.user()
    await app.member(user_id, "de", "admin")
    client = app.with_cookie(await app.token(user_id))
    assert (await client.patch("/api/languages/de", json={"name": "High German"})).status_code == 200
    assert (await client.post("/api/languages", json={"code": "da", "name": "Danish"})).status_code == 403
    assert (await client.delete("/api/languages/de")).status_code == 403


async def test_deleting_a_language_deletes_its_memberships(app: RunningApp) -> None:
    await app.language("de")
    user_id = await app.user()
    await app.member(user_id, "de", "translator")
    client = app.with_cookie(await app.token(user_id))
    admin = await app.signed_in("root@example.org", admin=True)
    response = await admin.delete("/api/languages/de")
    assert (response.status_code, response.content) == (204, b"")
    assert (await client.get("/api/session")).json()["memberships"] == []
    assert (await client.get("/api/languages/de")).status_code == 403


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_only_a_platform_admin_gets_404_for_an_unknown_language(app: RunningApp, method: str) -> None:
    await app.language("de")
    admin, user = await app.signed_in("root@example.org", admin=True), await app.signed_in()
    body = {"name": "x"} if method == "PATCH" else None
    absent = [await client.request(method, "/api/languages/da", json=body) for client in (admin, user)]
    assert [answer.status_code for answer in absent] == [404, 403]
    forbidden = await user.request(method, "/api/languages/de", json=body)
    assert {**problem(forbidden), "instance": ""} == {**problem(absent[1]), "instance": ""}
