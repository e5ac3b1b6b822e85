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
    """Two thousand languages, by code."""
    await app.resources.database.pool.execute(
        """INSERT INTO languages (code, name, autonym, text_direction, created_at)
           SELECT 'x-' || lpad(n::text, 4, '0'), 'Language', 'Language', 'ltr', now() FROM generate_series(1, $1) n""",
        MANY,
    )
    return [f"x-{number:04}" for number in range(1, MANY + 1)]


async def test_a_created_language_is_answered_with_its_place_and_completed_from_its_code(app: RunningApp) -> None:
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


async def test_autonym_and_direction_are_kept_where_they_are_given(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    sent = {"code": "ku", "name": "Kurdish", "autonym": "کوردی", "textDirection": "rtl"}
    assert (await admin.post("/api/languages", json=sent)).json().items() >= sent.items()


async def test_a_right_to_left_language_is_known_by_its_code(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    created = (await admin.post("/api/languages", json={"code": "iw", "name": "Hebrew"})).json()
    assert (created["code"], created["autonym"], created["textDirection"]) == ("he", "עברית", "rtl")


async def test_a_language_exists_once_under_whatever_spelling(app: RunningApp) -> None:
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


async def test_paging_through_many_languages_visits_each_once_in_order(app: RunningApp) -> None:
    codes = await many_languages(app)
    pages = await codes_of(await app.signed_in(admin=True))
    assert [len(page) for page in pages] == [200] * 10
    assert [code for page in pages for code in page] == codes


async def test_a_member_lists_the_languages_they_are_a_member_of_and_no_other(app: RunningApp) -> None:
    codes = await many_languages(app)
    user_id = await app.user()
    theirs = [codes[number] for number in (0, 700, 1999)]
    for code, roles in zip(theirs, [("admin",), ("translator",), ()], strict=True):
        await app.member(user_id, code, *roles)
    client = app.with_cookie(await app.token(user_id))
    assert await codes_of(client) == [theirs]
    assert await codes_of(client, limit=2) == [theirs[:2], theirs[2:]]


async def test_a_cursor_gives_no_rights(app: RunningApp) -> None:
    await many_languages(app)
    client = await app.signed_in()
    cursor = urlsafe_b64encode(b"x-0001").decode()
    assert (await client.get("/api/languages", params={"cursor": cursor})).json() == {"items": [], "nextCursor": None}


async def test_a_new_language_between_two_pages_moves_no_other(app: RunningApp) -> None:
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
async def test_a_malformed_page_is_a_422_that_names_the_parameter(
    app: RunningApp, parameters: dict[str, str], field: str
) -> None:
    admin = await app.signed_in(admin=True)
    assert field_errors(await admin.get("/api/languages", params=parameters)).keys() == {field}


async def test_a_language_is_changed_in_what_is_sent_and_nothing_else(app: RunningApp) -> None:
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
        ({"name": "", "autonym": "x" * 201}, {"name": "too_short", "autonym": "too_long"}),
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


async def test_deleting_a_language_takes_its_memberships_with_it(app: RunningApp) -> None:
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
async def test_only_who_may_act_on_every_language_learns_that_one_does_not_exist(app: RunningApp, method: str) -> None:
    await app.language("de")
    admin, user = await app.signed_in("root@example.org", admin=True), await app.signed_in()
    body = {"name": "x"} if method == "PATCH" else None
    absent = [await client.request(method, "/api/languages/da", json=body) for client in (admin, user)]
    assert [answer.status_code for answer in absent] == [404, 403]
    forbidden = await user.request(method, "/api/languages/de", json=body)
    assert {**problem(forbidden), "instance": ""} == {**problem(absent[1]), "instance": ""}
