"""Existence oracle: answers for existing and missing languages or ids differ, and disclose which exist."""

import httpx
import pytest

from tests.support.app import RunningApp

REQUESTS = (
    ("GET", None),
    ("PATCH", {"name": "Changed"}),
    ("PATCH", {"nonsense": True}),
    ("DELETE", None),
)
# Missing codes, other spellings of an existing code, and paths that are not codes.
MISSING = ("fr", "xx-none", "FR", "de ", "de-DE", "..", "%2e%2e", "de%2Ffr", "%E2%80%AEde", "a" * 300, "' OR 1=1 --")


def _visible_answer(answer: httpx.Response) -> tuple[object, ...]:
    """The parts of an answer that a client can compare, without the values that are new in every answer."""
    body = {name: value for name, value in answer.json().items() if name != "instance"}
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length")}
    return answer.status_code, tuple(sorted(body.items())), tuple(sorted(headers.items()))


@pytest.mark.parametrize(("method", "body"), REQUESTS)
async def test_a_stranger_gets_the_same_answer_for_existing_and_missing_languages(
    app: RunningApp, method: str, body: dict[str, object] | None
) -> None:
    stranger = await app.signed_in("mallory@example.org")
    await app.language("de")

    existing = _visible_answer(await stranger.request(method, "/api/languages/de", json=body))

    assert existing[0] == 403
    for code in ("fr", "xx-none", "FR", "de-DE", "a" * 300):
        assert _visible_answer(await stranger.request(method, f"/api/languages/{code}", json=body)) == existing


@pytest.mark.parametrize(("method", "body"), REQUESTS)
async def test_anonymous_requests_get_the_same_answer_for_existing_and_missing_languages(
    app: RunningApp, method: str, body: dict[str, object] | None
) -> None:
    await app.language("de")

    answers = {
        _visible_answer(await app.client().request(method, f"/api/languages/{code}", json=body))
        for code in ("de", "fr", "xx-none")
    }

    assert [answer[0] for answer in answers] == [401]


async def test_a_member_gets_the_same_answer_for_other_and_missing_languages(app: RunningApp) -> None:
    member = await app.user("eve@example.org")
    await app.language("de")
    await app.language("fr")
    await app.member(member, "de", "admin", "translator")
    browser = app.with_cookie(await app.token(member))

    existing, missing = [await browser.get(f"/api/languages/{code}") for code in ("fr", "it")]

    assert (await browser.get("/api/languages/de")).status_code == 200
    assert _visible_answer(existing) == _visible_answer(missing)
    assert existing.status_code == 403


@pytest.mark.parametrize("code", MISSING)
async def test_no_language_code_causes_a_server_error(app: RunningApp, code: str) -> None:
    admin = await app.signed_in(admin=True)
    await app.language("de")

    assert (await admin.get(f"/api/languages/{code}")).status_code in (400, 404)


async def test_a_deleted_language_gets_the_same_answer_as_a_missing_one(app: RunningApp) -> None:
    member = await app.user("eve@example.org")
    admin = await app.signed_in(admin=True)
    await app.language("de")
    await app.member(member, "de", "admin")
    browser = app.with_cookie(await app.token(member))

    assert (await admin.delete("/api/languages/de")).status_code == 204

    assert _visible_answer(await browser.get("/api/languages/de")) == _visible_answer(
        await browser.get("/api/languages/fr")
    )
    assert (await admin.get("/api/languages/de")).status_code == 404


async def test_creating_languages_without_permission_gets_the_same_answer_for_every_code(app: RunningApp) -> None:
    stranger = await app.signed_in("mallory@example.org")
    await app.language("de")

    answers = {
        _visible_answer(await stranger.post("/api/languages", json={"code": code, "name": "x"}))
        for code in ("de", "fr", "??")
    }

    assert [answer[0] for answer in answers] == [403]


@pytest.mark.parametrize("table", ["sessions", "keys"])
async def test_an_id_of_another_user_gets_the_same_answer_as_an_unknown_id(app: RunningApp, table: str) -> None:
    await app.token(await app.user())
    other_users_id = await app.resources.database.pool.fetchval(f"TABLE {table}")
    unknown = "00000000-0000-7000-8000-000000000000"

    for browser in (
        await app.signed_in("mallory@example.org"),
        await app.signed_in("root@example.org", admin=True),
    ):
        existing, missing = [await browser.delete(f"/api/{table}/{id_}") for id_ in (other_users_id, unknown)]
        assert _visible_answer(existing) == _visible_answer(missing)
        assert existing.status_code in (403, 404)

    assert other_users_id in [row["id"] for row in await app.resources.database.pool.fetch(f"TABLE {table}")]
