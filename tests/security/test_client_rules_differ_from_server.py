"""Inconsistent authorization: the rules that a client loads allow what the server refuses, or refuse what it allows."""

from collections.abc import Mapping

import httpx
import pytest

from app.ability.ability import Ability, Subject
from app.ability.casl import from_casl
from tests.support.app import RunningApp, id_of, problem
from tests.support.policy_people import person

PRINCIPALS = (
    "user",
    "member of de",
    "translator of de",
    "admin of de",
    "translator of de and admin of de",
    "translator of de and admin of fr",
    "platform admin",
    "platform admin and translator of de",
)
Route = tuple[str, str, Mapping[str, str | None]]
# The fields of a user that have a route of their own; PATCH does not set them.
ROUTE_OF_FIELD: Mapping[str, Route] = {
    "platformRole": ("PUT", "platform-role", {"role": None}),
    "status": ("POST", "suspension", {"reason": "Spam"}),
}
NEW = {"If-None-Match": "*"}
PROFILE = {"name": "Augusta", "phone": "+4915112345678", "locale": "de"}


@pytest.fixture
async def root(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin, who may read every subject."""
    await app.language("de", "German")
    await app.language("fr", "French")
    return await app.signed_in("root@example.org", admin=True)


async def _client(app: RunningApp, principal: str) -> httpx.AsyncClient:
    return app.with_cookie((await person(app, principal, "ada@example.org"))[1])


async def _rules(client: httpx.AsyncClient) -> Ability:
    """The ability that a client builds from the rules in its session."""
    return Ability(from_casl((await client.get("/api/session")).json()["rules"]))


async def _subject(root: httpx.AsyncClient, kind: str, path: str) -> Subject:
    answer = await root.get(path)
    assert answer.status_code == 200, answer.text
    return Subject(kind, answer.json())


def _is_allowed_by_server(answer: httpx.Response) -> bool:
    """Whether the server served the request; the only accepted refusal is `forbidden`."""
    assert answer.is_success or problem(answer)["code"] == "forbidden", answer.text
    return answer.is_success


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_rules_and_server_agree_on_changing_a_language(
    app: RunningApp, root: httpx.AsyncClient, principal: str
) -> None:
    client = await _client(app, principal)
    rules = await _rules(client)
    for path in ("/api/languages/de", "/api/languages/fr"):
        allowed = rules.can("update", await _subject(root, "Language", path))
        assert _is_allowed_by_server(await client.patch(path, json={"name": "Renamed"})) is allowed, path


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_rules_and_server_agree_on_translating_a_language(
    app: RunningApp, root: httpx.AsyncClient, principal: str
) -> None:
    client = await _client(app, principal)
    rules = await _rules(client)
    for path in ("/api/languages/de", "/api/languages/fr"):
        allowed = rules.can("translate", await _subject(root, "Language", path))
        answer = await client.put(f"{path}/translations/greeting", json={"text": "Moin"}, headers=NEW)
        assert _is_allowed_by_server(answer) is allowed, path


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_rules_and_server_agree_on_every_field_of_a_profile(
    app: RunningApp, root: httpx.AsyncClient, principal: str
) -> None:
    client = await _client(app, principal)
    rules, other = await _rules(client), await app.user("eve@example.org")
    for user_id in (await id_of(client), str(other)):
        path = f"/api/users/{user_id}"
        user = await _subject(root, "User", path)
        allowed = {
            field: _is_allowed_by_server(await client.patch(path, json={field: value}))
            for field, value in PROFILE.items()
        }
        assert allowed == {field: rules.can("update", user, field) for field in PROFILE}


@pytest.mark.parametrize("principal", PRINCIPALS)
@pytest.mark.parametrize("field_route", ROUTE_OF_FIELD.items(), ids=lambda item: item[0])
async def test_rules_and_server_agree_on_role_and_status_of_other_users(
    app: RunningApp, root: httpx.AsyncClient, principal: str, field_route: tuple[str, Route]
) -> None:
    await _assert_rules_and_server_agree(
        await _client(app, principal), root, str(await app.user("eve@example.org")), field_route
    )


@pytest.mark.parametrize("principal", PRINCIPALS)
@pytest.mark.parametrize("field_route", ROUTE_OF_FIELD.items(), ids=lambda item: item[0])
async def test_rules_and_server_agree_on_the_users_own_role_and_status(
    app: RunningApp, root: httpx.AsyncClient, principal: str, field_route: tuple[str, Route]
) -> None:
    client = await _client(app, principal)
    await _assert_rules_and_server_agree(client, root, await id_of(client), field_route)


async def _assert_rules_and_server_agree(
    client: httpx.AsyncClient, root: httpx.AsyncClient, user_id: str, field_route: tuple[str, Route]
) -> None:
    field, (method, route, body) = field_route
    path = f"/api/users/{user_id}"
    allowed = (await _rules(client)).can("administer", await _subject(root, "User", path), field)
    assert _is_allowed_by_server(await client.request(method, f"{path}/{route}", json=body)) is allowed
