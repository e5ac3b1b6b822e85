"""Rules that the client sees and the server does not keep: a button that cannot work, or a hidden one that does."""

from collections.abc import Mapping

import httpx
import pytest

from app.ability.ability import Ability, Subject
from app.ability.casl import from_casl
from tests.support.app import RunningApp, id_of, problem
from tests.support.policy_people import person

WHO = (
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
# What is set by a route of its own, and not by changing the user.
ROUTES_OF_FIELDS: Mapping[str, Route] = {
    "platformRole": ("PUT", "platform-role", {"role": None}),
    "status": ("POST", "suspension", {"reason": "Spam"}),
}
NEW = {"If-None-Match": "*"}
PROFILE = {"name": "Augusta", "phone": "+4915112345678", "locale": "de"}


@pytest.fixture
async def root(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin, who sees every subject as it is."""
    await app.language("de", "German")
    await app.language("fr", "French")
    return await app.signed_in("root@example.org", admin=True)


async def _client(app: RunningApp, who: str) -> httpx.AsyncClient:
    return app.with_cookie((await person(app, who, "ada@example.org"))[1])


async def _rules(client: httpx.AsyncClient) -> Ability:
    """What the client makes of the rules that come with its session."""
    return Ability(from_casl((await client.get("/api/session")).json()["rules"]))


async def _subject(root: httpx.AsyncClient, kind: str, path: str) -> Subject:
    answer = await root.get(path)
    assert answer.status_code == 200, answer.text
    return Subject(kind, answer.json())


def _is_done(answer: httpx.Response) -> bool:
    """Whether the server did it; if not, then for no other reason than that it is not allowed."""
    assert answer.is_success or problem(answer)["code"] == "forbidden", answer.text
    return answer.is_success


@pytest.mark.parametrize("who", WHO)
async def test_administering_a_language_is_offered_to_whom_it_is_done_for(
    app: RunningApp, root: httpx.AsyncClient, who: str
) -> None:
    client = await _client(app, who)
    rules = await _rules(client)
    for path in ("/api/languages/de", "/api/languages/fr"):
        offered = rules.can("administer", await _subject(root, "Language", path))
        assert _is_done(await client.patch(path, json={"name": "Renamed"})) is offered, path


@pytest.mark.parametrize("who", WHO)
async def test_translating_is_offered_to_whom_it_is_done_for(
    app: RunningApp, root: httpx.AsyncClient, who: str
) -> None:
    client = await _client(app, who)
    rules = await _rules(client)
    for path in ("/api/languages/de", "/api/languages/fr"):
        offered = rules.can("translate", await _subject(root, "Language", path))
        written = await client.put(f"{path}/translations/greeting", json={"text": "Moin"}, headers=NEW)
        assert _is_done(written) is offered, path


@pytest.mark.parametrize("who", WHO)
async def test_a_field_of_a_profile_can_be_edited_where_it_can_be_saved(
    app: RunningApp, root: httpx.AsyncClient, who: str
) -> None:
    client = await _client(app, who)
    rules, other = await _rules(client), await app.user("eve@example.org")
    for user_id in (await id_of(client), str(other)):
        path = f"/api/users/{user_id}"
        user = await _subject(root, "User", path)
        saved = {field: _is_done(await client.patch(path, json={field: value})) for field, value in PROFILE.items()}
        assert saved == {field: rules.can("update", user, field) for field in PROFILE}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("set_by", ROUTES_OF_FIELDS.items(), ids=lambda item: item[0])
async def test_role_and_status_of_others_are_offered_where_they_can_be_set(
    app: RunningApp, root: httpx.AsyncClient, who: str, set_by: tuple[str, Route]
) -> None:
    await _hold(await _client(app, who), root, str(await app.user("eve@example.org")), set_by)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("set_by", ROUTES_OF_FIELDS.items(), ids=lambda item: item[0])
async def test_one_s_own_role_and_status_are_offered_where_they_can_be_set(
    app: RunningApp, root: httpx.AsyncClient, who: str, set_by: tuple[str, Route]
) -> None:
    client = await _client(app, who)
    await _hold(client, root, await id_of(client), set_by)


async def _hold(client: httpx.AsyncClient, root: httpx.AsyncClient, user_id: str, set_by: tuple[str, Route]) -> None:
    field, (method, route, body) = set_by
    path = f"/api/users/{user_id}"
    offered = (await _rules(client)).can("update", await _subject(root, "User", path), field)
    assert _is_done(await client.request(method, f"{path}/{route}", json=body)) is offered
