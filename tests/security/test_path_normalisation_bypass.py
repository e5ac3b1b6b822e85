"""Path normalisation: another spelling of a path reaches a protected route and evades its guard."""

import pytest

from tests.support.app import RunningApp, problem

SPELLINGS = (
    "{0}", "{0}/", "{0}//", "/{0}", "//{0}", "{0}?x=1", "{0};x=1", "{0}/.", "{0}/..", "/.{0}", "/x/..{0}",
    "/health/..{0}", "/health/live{0}", "/api/session{0}", "{0}%2f", "%2f{0}", "{0}%20", "{0}%09", "{0}%0d%0a",
    "{0}.json", "{0}/schema", "{0}\\", "{0}%5c", "{0}%23", "{0}%3f", "/api/openapi.json{0}",
    "{0}/api/openapi.json", "{0}/api/session", "/docs{0}",
)  # fmt: skip

PROTECTED = ("/api/sessions", "/api/keys", "/api/languages", "/api/languages/de")


def _spellings(path: str) -> set[str]:
    head, _, tail = path.rpartition("/")
    doubled = {
        path.replace("/", "//"),
        f"{head}//{tail}",
        f"{head}/./{tail}",
        f"{head}/x/../{tail}",
        f"{head}%2f{tail}",
    }
    cased = {path.upper(), path.title(), f"{head}/{tail.upper()}", f"{head}/%{ord(tail[0]):02x}{tail[1:]}"}
    return {spelling.format(path) for spelling in SPELLINGS} | doubled | cased


@pytest.mark.parametrize("path", PROTECTED)
async def test_no_spelling_of_a_path_shows_protected_data_to_anonymous_callers(app: RunningApp, path: str) -> None:
    await app.user()
    await app.language()
    client = app.client()

    for spelling in _spellings(path):
        answer = await client.get(spelling)
        assert answer.status_code in (200, 400, 401, 404, 405), spelling
        if answer.status_code == 200:
            # Only what every caller may read.
            assert answer.json().get("user", "") is None or "openapi" in answer.json() or "status" in answer.json()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_spelling_of_a_path_accepts_writes_of_a_stranger(app: RunningApp, method: str) -> None:
    stranger = await app.signed_in("mallory@example.org")
    await app.language()

    for spelling in _spellings("/api/languages/de") | _spellings("/api/languages"):
        answer = await stranger.request(method, spelling, json={"code": "fr", "name": "French"})
        assert answer.status_code >= 400, spelling

    rows = await app.resources.database.pool.fetch("SELECT name FROM languages")
    assert [row["name"] for row in rows] == ["German"]


@pytest.mark.parametrize("path", ["//api//session", "/api//session/", "/api/session//", "/API/SESSION"])
async def test_no_spelling_of_the_sign_in_path_evades_its_origin_check(app: RunningApp, path: str) -> None:
    await app.user()
    body = {"method": "password", "email": "ada@example.org", "secret": "seven lamps on a quiet harbour"}

    answer = await app.client(Origin="https://evil.example").post(path, json=body)

    assert answer.status_code in (403, 404)
    assert "set-cookie" not in answer.headers


async def test_no_encoded_slash_makes_a_path_match_another_route(app: RunningApp) -> None:
    await app.language()
    admin = await app.signed_in(admin=True)
    user = (await admin.get("/api/session")).json()["user"]["id"]

    for path in (
        "/api%2Fsession", "/api/session%2F", "/api/sessions%2F", "/api%2Fusers", "/api/users%2F{user}",
        "/api/users/{user}%2F", "/api/users/{user}%2fkeys", "/api/keys%2Fprimary", "/api%2Flanguages", "/api/policy%2F",
        "/api/languages%2Fde", "/api/languages/de%2F", "/api/languages/de%2Fmembers", "/api/languages/de/members%2F",
        "/api/languages/de/members%2F{user}", "/api/languages/de%2Ftranslations", "/api/languages/de/translations%2F",
        "/api/languages/de%2Ftranslations/greeting", "/api/languages/%64e%2Ftranslations", "/health%2Flive",
        "/health/live%2F", "/api%2Fopenapi.json", "/%2Fapi/session", "/api/x%2F..%2Fsession", "/api/x%2F%2E%2E/session",
    ):  # fmt: skip
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            answer = await admin.request(method, path.format(user=user), json=None if method == "GET" else {})
            assert problem(answer)["code"] in ("not_found", "method_not_allowed"), (method, path)
            assert method != "GET" or answer.status_code == 404, path

    assert (await admin.get("/api/session")).json()["user"]["id"] == user
    assert (await admin.get("/api/languages/de")).status_code == 200
