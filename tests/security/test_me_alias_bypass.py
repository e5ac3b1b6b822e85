"""Bypass by the alias `me`: a spelling of `me` or of an id reaches another user's account, or evades a guard."""

import httpx
import pytest

from tests.support.app import RunningApp, id_of


@pytest.mark.parametrize("path", ["/api/users/me", "/api/users/me/sessions", "/api/languages/de/members/me"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_me_without_a_session_is_refused(app: RunningApp, method: str, path: str) -> None:
    await app.language("de")

    answer = await app.client().request(method, path, json={} if method == "PATCH" else None)

    assert answer.status_code in (401, 405)


@pytest.mark.parametrize(
    "name", ["ME", "Me", "m%C3%A9", "me%20", "%20me", "me%00", "me.", "me;x=1", "me%2F", "%2Fme", "self", "0"]
)
async def test_other_spellings_of_me_are_refused(app: RunningApp, name: str) -> None:
    ada = await app.signed_in()

    answer = await ada.get(f"/api/users/{name}")

    assert answer.status_code in (400, 403, 404)


@pytest.mark.parametrize("template", ["{0}", "%6De", "m%65"])
async def test_me_and_the_users_own_id_are_the_same_account(app: RunningApp, template: str) -> None:
    ada = await app.signed_in()

    answer = await ada.get(f"/api/users/{template.format(await id_of(ada))}")

    assert answer.json()["email"] == "ada@example.org"


@pytest.mark.parametrize(
    "template",
    ["{0}", "{1}", "{{{0}}}", "urn:uuid:{0}", "{2}", "me/../{0}", "me%2F..%2F{0}", "me/{0}", "{0},me", "{0}%2Cme"],
)
async def test_no_spelling_of_another_users_id_is_taken_for_me(app: RunningApp, template: str) -> None:
    ada, victim = await app.signed_in(), await app.user("eve@example.org")
    name = template.format(victim, str(victim).upper(), victim.hex)

    answers = [
        await ada.get(f"/api/users/{name}"),
        await ada.patch(f"/api/users/{name}", json={"name": "Mallory"}),
        await ada.delete(f"/api/users/{name}"),
    ]

    assert {answer.status_code for answer in answers} <= {403, 404, 405}
    assert await app.resources.database.pool.fetchval("SELECT name FROM users WHERE id = $1", victim) == "Ada"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/users/me/platform-role", {"role": "admin"}),
        ("POST", "/api/users/me/suspension", {}),
        ("DELETE", "/api/users/me/suspension", None),
        ("DELETE", "/api/users/me/sessions", None),
    ],
)
async def test_me_grants_no_right_to_administer_the_users_own_account(
    app: RunningApp, method: str, path: str, body: object
) -> None:
    ada = await app.signed_in()

    assert (await ada.request(method, path, json=body)).status_code == 403
    assert (await ada.get("/api/users/me")).json()["status"] == "active"


@pytest.mark.parametrize(
    ("method", "path", "body"), [("PUT", "", {"roles": ["admin"]}), ("POST", "/invitation", None), ("GET", "", None)]
)
async def test_me_as_a_member_can_only_leave_the_language(
    app: RunningApp, method: str, path: str, body: object
) -> None:
    await app.language("de")
    ada = await app.signed_in_member("de")

    answer = await ada.request(method, f"/api/languages/de/members/me{path}", json=body)

    assert answer.status_code in (404, 405)
    assert (await ada.get("/api/session")).json()["memberships"] == [
        {"language": "de", "languageName": "German", "roles": []}
    ]


async def test_me_is_each_users_own_account(app: RunningApp) -> None:
    clients: list[httpx.AsyncClient] = [await app.signed_in(f"user{number}@example.org") for number in range(8)]
    for _ in range(3):
        for number, client in enumerate(clients):
            await client.patch("/api/users/me", json={"name": f"User {number}"})
    names = [(await client.get("/api/users/me")).json()["name"] for client in clients]
    assert names == [f"User {number}" for number in range(8)]


async def test_the_users_own_id_is_accepted_in_upper_case(app: RunningApp) -> None:
    ada = await app.signed_in()
    eve = await id_of(await app.signed_in("eve@example.org"))

    own = await id_of(ada)

    assert (await ada.get(f"/api/users/{own.upper()}")).json()["id"] == own
    assert (await ada.get(f"/api/users/{eve.upper()}")).status_code == 403
