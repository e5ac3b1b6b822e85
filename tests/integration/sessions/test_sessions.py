"""Sessions over HTTP: signing in and out, listing and ending, and the answer of `GET /api/session`."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, Clock, RunningApp, is_signed_in, problem, running, settings_for

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


async def sign_in(client: httpx.AsyncClient) -> httpx.Response:
    """Sign in with the right secret."""
    response = await client.post("/api/session", json=CREDENTIALS)
    assert response.status_code == 201, response.text
    return response


async def test_signing_in_answers_like_get_session_and_sets_the_cookie(app: RunningApp) -> None:
    user_id = await app.user()
    client = app.client()
    response = await sign_in(client)
    assert response.headers["location"] == "/api/session"
    assert response.json()["user"]["id"] == str(user_id)
    assert response.json()["session"]["method"] == "password"
    who = await client.get("/api/session")
    assert who.json() == response.json()
    assert who.headers["etag"] == response.headers["etag"]


HTTPS = {"PUBLIC_URL": "https://auth.example.org"}


@pytest.mark.parametrize(
    ("environ", "written"),
    [
        ({}, "auth_session={}; Max-Age={}; Path=/; HttpOnly; SameSite=Lax"),
        (HTTPS, "auth_session={}; Max-Age={}; Path=/; HttpOnly; SameSite=Lax; Secure"),
        (
            {**HTTPS, "COOKIE_HOST_PREFIX": "on"},
            "__Host-auth_session={}; Max-Age={}; Path=/; HttpOnly; SameSite=Lax; Secure",
        ),
    ],
)
async def test_the_cookie_has_the_attributes_that_the_settings_require(
    app: RunningApp, database_url: str, environ: dict[str, str], written: str
) -> None:
    await app.user()
    async with running(settings_for(database_url, **environ), Clock()) as other:
        client = other.client(Origin=other.settings.public_url)
        *_, sent, _ = (await sign_in(client)).headers.get_list("set-cookie")
        pair = sent.partition(";")[0]
        assert sent == written.format(pair.partition("=")[2], 30 * 24 * 3600)
        client.cookies.clear()
        assert await is_signed_in(other.client(Cookie=pair))
        cleared = await client.delete("/api/session", headers={"Cookie": pair})
        assert cleared.headers.get_list("set-cookie")[-1] == written.format("", 0)


async def test_signing_out_ends_the_session_in_the_database_and_clears_the_cookie(app: RunningApp) -> None:
    client = await app.signed_in()
    token = client.cookies["auth_session"]
    response = await client.delete("/api/session")
    assert (response.status_code, response.content) == (204, b"")
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert not await is_signed_in(app.with_cookie(token))
    assert (await app.client().delete("/api/session")).status_code == 204


async def test_signing_in_again_ends_the_previous_session_of_the_client(app: RunningApp) -> None:
    await app.user()
    client = app.client()
    await sign_in(client)
    before = client.cookies["auth_session"]
    await sign_in(client)
    assert client.cookies["auth_session"] != before
    assert not await is_signed_in(app.with_cookie(before))


async def test_a_user_lists_their_own_live_sessions_oldest_first(app: RunningApp) -> None:
    user_id = await app.user()
    await app.token(await app.user("eve@example.org"))
    await app.token(user_id)
    app.clock.forward(days=13)
    client = app.client(**{"User-Agent": "x" * 1000})
    await sign_in(client)
    first, second = (await client.get("/api/sessions")).json()["items"]
    assert (first["current"], second["current"]) == (False, True)
    assert (second["ip"], second["userAgent"]) == ("127.0.0.1", "x" * 400)
    app.clock.forward(days=1)
    [left] = (await client.get("/api/sessions")).json()["items"]
    assert left["id"] == second["id"]


async def test_sessions_are_paged(app: RunningApp) -> None:
    user_id = await app.user()
    tokens = [await app.token(user_id) for _ in range(3)]
    client, seen, cursor = app.with_cookie(tokens[0]), list[str](), ""
    for more in (True, True, False):
        page = (await client.get("/api/sessions", params={"limit": 1, "cursor": cursor})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        assert (cursor is not None) is more
    assert len(set(seen)) == 3


async def test_a_user_ends_one_session_or_all_other_sessions(app: RunningApp) -> None:
    user_id = await app.user()
    tokens = [await app.token(user_id) for _ in range(4)]
    stranger = app.with_cookie(await app.token(await app.user("eve@example.org")))
    client = app.with_cookie(tokens[0])
    listed = (await client.get("/api/sessions")).json()["items"]
    ended = await client.delete(f"/api/sessions/{listed[1]['id']}")
    assert (ended.status_code, ended.content) == (204, b"")
    assert [await is_signed_in(app.with_cookie(token)) for token in tokens] == [True, False, True, True]
    assert (await client.delete("/api/sessions")).status_code == 204
    assert [await is_signed_in(app.with_cookie(token)) for token in tokens] == [True, False, False, False]
    assert await is_signed_in(stranger)


async def test_ending_an_ended_session_again_changes_nothing(app: RunningApp) -> None:
    user_id = await app.user()
    client, other = [app.with_cookie(await app.token(user_id)) for _ in range(2)]
    path = f"/api/sessions/{(await other.get('/api/session')).json()['session']['id']}"
    assert [(await client.delete(path)).status_code for _ in range(3)] == [204] * 3
    stranger = await app.signed_in("eve@example.org")
    assert problem(await stranger.delete(path))["code"] == "forbidden"


async def test_ending_a_session_of_another_user_or_an_unknown_session_gets_the_same_answer(app: RunningApp) -> None:
    client = await app.signed_in()
    stranger = await app.signed_in("eve@example.org")
    [theirs] = (await stranger.get("/api/sessions")).json()["items"]
    answers = [await client.delete(f"/api/sessions/{name}") for name in (theirs["id"], UNKNOWN_ID)]
    assert [(answer.status_code, problem(answer)["code"]) for answer in answers] == [(403, "forbidden")] * 2
    assert await is_signed_in(stranger)


async def test_a_platform_admin_may_end_no_session_of_others_one_by_one(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    assert (await admin.delete(f"/api/sessions/{UNKNOWN_ID}")).status_code == 403


async def test_a_bearer_token_authenticates_without_a_cookie(app: RunningApp) -> None:
    token = await app.token(await app.user())
    client = app.client(Authorization=f"Bearer {token}")
    app.clock.forward(hours=2)
    response = await client.get("/api/session")
    assert response.json()["user"]["email"] == "ada@example.org"
    assert "set-cookie" not in response.headers
    assert (await client.delete("/api/session")).status_code == 204
    assert not await is_signed_in(client)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", W/{}', "*"])
async def test_an_answer_with_an_unchanged_etag_is_a_304_without_content(app: RunningApp, form: str) -> None:
    user_id = await app.user()
    client = app.with_cookie(await app.token(user_id))
    etag = (await client.get("/api/session")).headers["etag"]
    unchanged = await client.get("/api/session", headers={"If-None-Match": form.format(etag)})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == etag
    assert unchanged.headers["vary"] == "Cookie, Authorization"
    assert unchanged.headers["cache-control"] == "private, no-cache"
    assert (await app.client().get("/api/session", headers={"If-None-Match": etag})).status_code == 200

    await app.language("de")
    await app.member(user_id, "de", "translator")
    changed = await client.get("/api/session", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    assert changed.json()["memberships"] == [{"language": "de", "languageName": "German", "roles": ["translator"]}]


async def test_a_user_who_is_not_onboarded_gets_the_missing_fields_and_rules_to_set_them(app: RunningApp) -> None:
    client = await app.signed_in(onboarded=False, name="")
    body = (await client.get("/api/session")).json()
    assert body["onboarding"] == {"required": True, "fields": ["name"]}
    own = {"id": body["user"]["id"]}
    assert body["rules"] == [
        {"action": ["read", "delete"], "subject": ["User"], "conditions": own},
        {"action": ["update"], "subject": ["User"], "conditions": own, "fields": ["name", "phone", "locale"]},
    ]
    assert problem(await client.get("/api/sessions"))["code"] == "onboarding_required"


async def test_an_anonymous_caller_gets_200_without_a_user(app: RunningApp) -> None:
    response = await app.client().get("/api/session")
    assert response.json() == {
        "user": None,
        "session": None,
        "memberships": [],
        "onboarding": None,
        "rules": [],
        "ended": None,
    }
