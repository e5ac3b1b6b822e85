"""Sessions over HTTP: signing in and out, listing and ending, and who the client is told that it is."""

import httpx
import pytest

from tests.support.app import CREDENTIALS, Clock, World, is_signed_in, problem, running, settings_for

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


async def sign_in(client: httpx.AsyncClient) -> httpx.Response:
    response = await client.post("/api/session", json=CREDENTIALS)
    assert response.status_code == 201, response.text
    return response


async def test_signing_in_answers_who_you_are_and_sets_the_cookie(world: World) -> None:
    user_id = await world.user()
    client = world.client()
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
async def test_the_cookie_has_every_attribute_that_the_deployment_asks_for(
    world: World, database_url: str, environ: dict[str, str], written: str
) -> None:
    await world.user()
    async with running(settings_for(database_url, **environ), Clock()) as other:
        client = other.client(Origin=other.settings.public_url)
        sent = (await sign_in(client)).headers["set-cookie"]
        pair = sent.partition(";")[0]
        assert sent == written.format(pair.partition("=")[2], 14 * 24 * 3600)
        client.cookies.clear()
        assert await is_signed_in(other.client(Cookie=pair))
        cleared = await client.delete("/api/session", headers={"Cookie": pair})
        assert cleared.headers["set-cookie"] == written.format("", 0)


async def test_signing_out_ends_the_session_in_the_database_and_clears_the_cookie(world: World) -> None:
    client = await world.signed_in()
    token = client.cookies["auth_session"]
    response = await client.delete("/api/session")
    assert (response.status_code, response.content) == (204, b"")
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert not await is_signed_in(world.with_cookie(token))
    assert (await world.client().delete("/api/session")).status_code == 204


async def test_signing_in_again_ends_the_session_that_the_client_had(world: World) -> None:
    await world.user()
    client = world.client()
    await sign_in(client)
    before = client.cookies["auth_session"]
    await sign_in(client)
    assert client.cookies["auth_session"] != before
    assert not await is_signed_in(world.with_cookie(before))


async def test_a_user_lists_their_own_live_sessions_oldest_first(world: World) -> None:
    user_id = await world.user()
    await world.token(await world.user("eve@example.org"))
    await world.token(user_id)
    world.clock.forward(days=13)
    client = world.client(**{"User-Agent": "x" * 1000})
    await sign_in(client)
    first, second = (await client.get("/api/sessions")).json()["items"]
    assert (first["current"], second["current"]) == (False, True)
    assert (second["ip"], second["userAgent"]) == ("127.0.0.1", "x" * 400)
    world.clock.forward(days=1)
    [left] = (await client.get("/api/sessions")).json()["items"]
    assert left["id"] == second["id"]


async def test_sessions_are_paged(world: World) -> None:
    user_id = await world.user()
    tokens = [await world.token(user_id) for _ in range(3)]
    client, seen, cursor = world.with_cookie(tokens[0]), list[str](), ""
    for more in (True, True, False):
        page = (await client.get("/api/sessions", params={"limit": 1, "cursor": cursor})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        assert (cursor is not None) is more
    assert len(set(seen)) == 3


async def test_a_user_ends_one_session_or_all_others(world: World) -> None:
    user_id = await world.user()
    tokens = [await world.token(user_id) for _ in range(4)]
    stranger = world.with_cookie(await world.token(await world.user("eve@example.org")))
    client = world.with_cookie(tokens[0])
    listed = (await client.get("/api/sessions")).json()["items"]
    ended = await client.delete(f"/api/sessions/{listed[1]['id']}")
    assert (ended.status_code, ended.content) == (204, b"")
    assert [await is_signed_in(world.with_cookie(token)) for token in tokens] == [True, False, True, True]
    assert (await client.delete("/api/sessions")).status_code == 204
    assert [await is_signed_in(world.with_cookie(token)) for token in tokens] == [True, False, False, False]
    assert await is_signed_in(stranger)


async def test_ending_a_session_of_another_and_an_unknown_one_get_the_same_answer(world: World) -> None:
    client = await world.signed_in()
    stranger = await world.signed_in("eve@example.org")
    [theirs] = (await stranger.get("/api/sessions")).json()["items"]
    answers = [await client.delete(f"/api/sessions/{name}") for name in (theirs["id"], UNKNOWN_ID)]
    assert [(answer.status_code, problem(answer)["code"]) for answer in answers] == [(403, "forbidden")] * 2
    assert await is_signed_in(stranger)


async def test_a_platform_admin_learns_that_a_session_of_theirs_does_not_exist(world: World) -> None:
    admin = await world.signed_in(admin=True)
    assert (await admin.delete(f"/api/sessions/{UNKNOWN_ID}")).status_code == 404


async def test_a_bearer_token_signs_in_without_any_cookie(world: World) -> None:
    token = await world.token(await world.user())
    client = world.client(Authorization=f"Bearer {token}")
    world.clock.forward(hours=2)
    response = await client.get("/api/session")
    assert response.json()["user"]["email"] == "ada@example.org"
    assert "set-cookie" not in response.headers
    assert (await client.delete("/api/session")).status_code == 204
    assert not await is_signed_in(client)


async def test_the_answer_is_not_sent_again_while_its_etag_holds(world: World) -> None:
    user_id = await world.user()
    client = world.with_cookie(await world.token(user_id))
    etag = (await client.get("/api/session")).headers["etag"]
    unchanged = await client.get("/api/session", headers={"If-None-Match": f'"other", W/{etag}'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == etag
    assert unchanged.headers["vary"] == "Cookie, Authorization"
    assert unchanged.headers["cache-control"] == "private, no-cache"
    assert (await world.client().get("/api/session", headers={"If-None-Match": etag})).status_code == 200

    await world.language("de")
    await world.member(user_id, "de", "translator")
    changed = await client.get("/api/session", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    assert changed.json()["memberships"] == [{"language": "de", "roles": ["translator"]}]


async def test_who_is_not_onboarded_is_told_what_is_missing_and_has_the_rules_to_add_it(world: World) -> None:
    client = await world.signed_in(onboarded=False, name="")
    body = (await client.get("/api/session")).json()
    assert body["onboarding"] == {"required": True, "fields": ["name"]}
    own = {"id": body["user"]["id"]}
    assert body["rules"] == [
        {"action": ["read"], "subject": ["User"], "conditions": own},
        {"action": ["update"], "subject": ["User"], "conditions": own, "fields": ["name", "phone", "locale"]},
    ]
    assert problem(await client.get("/api/sessions"))["code"] == "onboarding_required"


async def test_anonymous_is_an_answer_and_no_error(world: World) -> None:
    response = await world.client().get("/api/session")
    assert response.json() == {"user": None, "session": None, "memberships": [], "onboarding": None, "rules": []}
