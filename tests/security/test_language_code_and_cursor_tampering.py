"""Tampering with codes and cursors: a member of one language reads or changes another language."""

from base64 import urlsafe_b64encode

import httpx
import pytest

from tests.support.app import RunningApp

ROLES = ((), ("translator",), ("admin",), ("admin", "translator"))
OTHER_CODES = (
    "fr",
    "de-CH",
    "d",
    "dea",
    "DE-ch",
    "FR",
    "de%00",
    "de%20",
    "de,fr",
    "de;fr",
    "fr%2F..%2Fde",
    "*",
    "%25",
    "null",
    "[]",
)


async def _member(app: RunningApp, *roles: str) -> httpx.AsyncClient:
    """A member of `de`, among languages whose codes sort before and after `de` or begin with `de`."""
    for code in ("da", "de", "de-CH", "fr"):
        await app.language(code, f"Name of {code}")
    user = await app.user("eve@example.org")
    await app.member(user, "de", *roles)
    return app.with_cookie(await app.token(user))


async def _language_names(app: RunningApp) -> dict[str, str]:
    rows = await app.resources.database.pool.fetch("SELECT code, name FROM languages")
    return {row["code"]: row["name"] for row in rows}


@pytest.mark.parametrize("roles", ROLES)
async def test_roles_in_one_language_grant_nothing_in_another(app: RunningApp, roles: tuple[str, ...]) -> None:
    browser = await _member(app, *roles)
    before = await _language_names(app)

    for code in OTHER_CODES:
        path = f"/api/languages/{code}"
        answers = [
            await browser.get(path),
            await browser.patch(path, json={"name": "Taken over"}),
            await browser.delete(path),
        ]
        assert {answer.status_code for answer in answers} <= {400, 403, 404}, code

    assert await _language_names(app) == before


@pytest.mark.parametrize(("roles", "status"), [((), 403), (("translator",), 403), (("admin",), 200)])
async def test_changing_a_language_requires_the_admin_role_in_it(
    app: RunningApp, roles: tuple[str, ...], status: int
) -> None:
    browser = await _member(app, *roles)

    assert (await browser.patch("/api/languages/de", json={"name": "Deutsch"})).status_code == status
    assert (await browser.delete("/api/languages/de")).status_code == 403
    assert (await browser.post("/api/languages", json={"code": "it", "name": "Italian"})).status_code == 403


@pytest.mark.parametrize("key", ["", "\x01", "da", "a", "dd", "' OR true --", "de' --", "%", "zz"])
async def test_no_cursor_shows_a_language_that_the_member_may_not_read(app: RunningApp, key: str) -> None:
    browser = await _member(app, "admin")
    cursor = urlsafe_b64encode(key.encode()).decode().rstrip("=")

    answer = await browser.get("/api/languages", params={"cursor": cursor, "limit": 200})

    assert {item["code"] for item in answer.json()["items"]} <= {"de"}


@pytest.mark.parametrize("cursor", ["%00", "AA", "!!!", "é", "4", "/w", "a" * 401, "////", "0" * 400, "_w", "AAAA"])
async def test_a_malformed_cursor_is_answered_with_422_or_a_page(app: RunningApp, cursor: str) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()

    for path in ("/api/languages", "/api/sessions", "/api/keys"):
        assert (await admin.get(path, params={"cursor": cursor})).status_code in (200, 422)


async def test_a_cursor_from_another_users_list_shows_own_sessions_only(app: RunningApp) -> None:
    browser = await app.signed_in("ada@example.org")
    other_user = await app.user("mallory@example.org")
    for _ in range(3):
        await app.token(other_user)
    rows = await app.resources.database.pool.fetch("SELECT id FROM sessions ORDER BY id")

    for row in rows:
        cursor = urlsafe_b64encode(str(row["id"]).encode()).decode().rstrip("=")
        page = (await browser.get("/api/sessions", params={"cursor": cursor})).json()
        assert len(page["items"]) <= 1
        assert all(item["current"] for item in page["items"])


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1000000", "1e3", "\u0661", "0x10", "", "null", "9" * 400, "true"])
async def test_an_invalid_limit_is_refused(app: RunningApp, limit: str) -> None:
    admin = await app.signed_in(admin=True)

    assert (await admin.get("/api/languages", params={"limit": limit})).status_code == 422


async def test_a_deleted_membership_has_no_effect_from_the_next_request(app: RunningApp) -> None:
    browser = await _member(app, "admin")
    assert (await browser.get("/api/languages/de")).status_code == 200

    await app.execute("DELETE FROM language_members")

    assert (await browser.get("/api/languages/de")).status_code == 403
    assert (await browser.get("/api/languages")).json()["items"] == []


async def test_a_language_without_members_is_refused_to_strangers(app: RunningApp) -> None:
    await app.language("de")
    stranger = await app.signed_in("mallory@example.org")

    assert (await stranger.get("/api/languages/de")).status_code == 403
    assert (await stranger.get("/api/languages")).json()["items"] == []
    assert (await stranger.get("/api/session")).json()["memberships"] == []
