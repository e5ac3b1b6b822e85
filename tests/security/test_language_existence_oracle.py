"""Existence oracle: 403 for what exists and 404 for what does not tell a stranger which languages there are."""

import httpx
import pytest

from tests.support.app import RunningApp

REQUESTS = (
    ("GET", None),
    ("PATCH", {"name": "Changed"}),
    ("PATCH", {"nonsense": True}),
    ("DELETE", None),
)
# Neither may a code's spelling, nor a path that is no code, tell anything.
MISSING = ("fr", "xx-none", "DE", "de ", "de-DE", "..", "%2e%2e", "de%2Ffr", "%E2%80%AEde", "a" * 300, "' OR 1=1 --")


def _told(answer: httpx.Response) -> tuple[object, ...]:
    """What an answer says, less what is new in every answer."""
    body = {name: value for name, value in answer.json().items() if name != "instance"}
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length")}
    return answer.status_code, tuple(sorted(body.items())), tuple(sorted(headers.items()))


@pytest.mark.parametrize(("method", "body"), REQUESTS)
async def test_a_stranger_gets_one_answer_for_what_exists_and_what_does_not(
    app: RunningApp, method: str, body: dict[str, object] | None
) -> None:
    stranger = await app.signed_in("mallory@example.org")
    await app.language("de")

    existing = _told(await stranger.request(method, "/api/languages/de", json=body))

    assert existing[0] == 403
    for code in ("fr", "xx-none", "DE", "de-DE", "a" * 300):
        assert _told(await stranger.request(method, f"/api/languages/{code}", json=body)) == existing


@pytest.mark.parametrize(("method", "body"), REQUESTS)
async def test_the_anonymous_get_one_answer_too(app: RunningApp, method: str, body: dict[str, object] | None) -> None:
    await app.language("de")

    told = {
        _told(await app.client().request(method, f"/api/languages/{code}", json=body))
        for code in ("de", "fr", "xx-none")
    }

    assert [answer[0] for answer in told] == [401]


async def test_a_member_learns_no_more_about_the_others(app: RunningApp) -> None:
    member = await app.user("eve@example.org")
    await app.language("de")
    await app.language("fr")
    await app.member(member, "de", "admin", "translator")
    browser = app.with_cookie(await app.token(member))

    existing, missing = [await browser.get(f"/api/languages/{code}") for code in ("fr", "it")]

    assert (await browser.get("/api/languages/de")).status_code == 200
    assert _told(existing) == _told(missing)
    assert existing.status_code == 403


@pytest.mark.parametrize("code", MISSING)
async def test_no_path_makes_the_service_fail(app: RunningApp, code: str) -> None:
    admin = await app.signed_in(admin=True)
    await app.language("de")

    assert (await admin.get(f"/api/languages/{code}")).status_code in (400, 404)


async def test_a_language_that_is_gone_is_like_one_that_never_was(app: RunningApp) -> None:
    member = await app.user("eve@example.org")
    admin = await app.signed_in(admin=True)
    await app.language("de")
    await app.member(member, "de", "admin")
    browser = app.with_cookie(await app.token(member))

    assert (await admin.delete("/api/languages/de")).status_code == 204

    assert _told(await browser.get("/api/languages/de")) == _told(await browser.get("/api/languages/fr"))
    assert (await admin.get("/api/languages/de")).status_code == 404


async def test_creating_what_exists_is_told_to_nobody_who_may_not_create(app: RunningApp) -> None:
    stranger = await app.signed_in("mallory@example.org")
    await app.language("de")

    told = {
        _told(await stranger.post("/api/languages", json={"code": code, "name": "x"})) for code in ("de", "fr", "??")
    }

    assert [answer[0] for answer in told] == [403]


@pytest.mark.parametrize("table", ["sessions", "keys"])
async def test_an_id_of_another_user_is_like_an_unknown_one(app: RunningApp, table: str) -> None:
    await app.token(await app.user())
    theirs = await app.resources.database.pool.fetchval(f"TABLE {table}")
    unknown = "00000000-0000-7000-8000-000000000000"

    for browser in (
        await app.signed_in("mallory@example.org"),
        await app.signed_in("root@example.org", admin=True),
    ):
        known, other = [await browser.delete(f"/api/{table}/{id_}") for id_ in (theirs, unknown)]
        assert _told(known) == _told(other)
        assert known.status_code in (403, 404)

    assert theirs in [row["id"] for row in await app.resources.database.pool.fetch(f"TABLE {table}")]
