"""CASL takes every object as the API returns it, and decides on the object as the route that acts on it answers."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx
import pytest

from app.ability.json_lines import Check
from app.auth.principal import ANONYMOUS
from app.guards.policy import SCHEMA, ability_for
from tests.contract.test_casl import Person, node, run_casl
from tests.support.app import RunningApp
from tests.support.policy_people import person

__all__ = ["node"]  # a fixture

WHO = (
    "user",
    "member of de",
    "translator of de",
    "admin of de",
    "platform admin",
    "platform admin and translator of de",
)


class Route(NamedTuple):
    """The request by which a caller does `action` on an object; names in braces are attributes of the object."""

    action: str
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = {}
    field: str | None = None


# Each question is asked by a session of its own, because a request can end the session that sends it.
QUESTIONS_MAX = 24
TEXT = "/api/languages/{languageCode}/translations/{key}"
# Where the API returns objects of each type, and what can be done with them. What ends the object comes last.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "Language": ("/api/languages", "/api/languages/de", "/api/languages/fr"),
    "Translation": (
        "/api/languages/de/translations",
        "/api/languages/de/translations/greeting",
        "/api/languages/de/translations/greeting/history",
    ),
    "User": ("/api/users", "/api/users/me"),
    "Session": ("/api/sessions",),
    "Key": ("/api/keys",),
    "AuditEvent": ("/api/audit-events",),
}
ROUTES: Mapping[str, tuple[Route, ...]] = {
    "Language": (
        Route("update", "PATCH", "/api/languages/{code}", {"name": "Renamed"}),
        Route("administer", "POST", "/api/languages/{code}/members", {"email": "somebody@example.org", "roles": []}),
        Route("translate", "PUT", "/api/languages/{code}/translations/new", {"text": "Neu"}, {"If-None-Match": "*"}),
        Route("delete", "DELETE", "/api/languages/{code}"),
    ),
    "Translation": (
        Route("read", "GET", TEXT),
        Route("update", "PUT", TEXT, {"text": "Moin"}, {"If-Match": '"1"'}),
        Route("translate", "PUT", TEXT, {"text": "Moin"}, {"If-Match": '"1"'}),
        Route("delete", "DELETE", TEXT, headers={"If-Match": '"1"'}),
    ),
    "User": (
        Route("update", "PATCH", "/api/users/{id}", {"name": "Augusta"}, field="name"),
        Route("administer", "PUT", "/api/users/{id}/platform-role", {"role": None}, field="platformRole"),
        Route("administer", "POST", "/api/users/{id}/suspension", {"reason": "Spam"}, field="status"),
        Route("delete", "DELETE", "/api/users/{id}"),
    ),
    "Session": (Route("delete", "DELETE", "/api/sessions/{id}"),),
    "Key": (Route("delete", "DELETE", "/api/keys/{id}"),),
    "AuditEvent": (Route("read", "GET", "/api/audit-events"),),
}


def test_every_type_of_the_policy_is_here() -> None:
    assert SOURCES.keys() == ROUTES.keys()
    assert SCHEMA.subjects.keys() - SOURCES.keys() == {"Policy", "Job"}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("subject_type", SOURCES)
async def test_casl_decides_on_objects_as_the_api_returns_them(
    app: RunningApp,
    node: str,
    who: str,
    subject_type: str,
) -> None:
    for code in ("de", "fr"):
        await app.language(code)
    writer = await app.signed_in_member("de", "translator", email="writer@example.org")
    await writer.put("/api/languages/de/translations/greeting", json={"text": "Hi"}, headers={"If-None-Match": "*"})
    user_id, _ = await person(app, who, "ada@example.org")
    await app.user("root@example.org", admin=True)
    is_admin = "platform admin" in who
    clients = [app.with_cookie(await app.token(user_id, admin=is_admin)) for _ in range(QUESTIONS_MAX + 1)]
    rules = (await clients[0].get("/api/session")).json()["rules"]

    objects = [found for path in SOURCES[subject_type] for found in await _objects(clients[0], path)]
    wanted = SCHEMA.subjects[subject_type].keys()
    assert [found for found in objects if not wanted <= found.keys()] == []
    routes = ROUTES[subject_type]
    asked = [(route, found) for route in routes for found in objects[: QUESTIONS_MAX // len(routes)]]
    checks = [Check(route.action, subject_type, found, route.field) for route, found in asked]
    results = run_casl(node, [Person(who, rules, ability_for(ANONYMOUS))], checks)

    answers = [await _is_allowed(clients.pop(), route, found) for route, found in asked]
    for version, [result] in results.items():
        decisions = [decision.allowed for decision in result.decisions]
        assert decisions == answers, f"CASL {version}: {list(_different(asked, decisions, answers))}"


async def _objects(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await client.get(path)
    if answer.status_code == 403:
        return []
    body = answer.json()
    found: list[dict[str, Any]] = body.get("items", [body])
    return found


async def _is_allowed(client: httpx.AsyncClient, route: Route, found: Mapping[str, object]) -> bool:
    path = route.path.format_map(found)
    answer = await client.request(route.method, path, json=route.body, headers=dict(route.headers))
    assert answer.status_code not in (400, 405, 422, 428, 500), answer.text
    return answer.is_success or answer.json()["code"] != "forbidden"


def _different(
    asked: list[tuple[Route, dict[str, Any]]], decisions: list[bool], answers: list[bool]
) -> Iterator[tuple[str, str, bool]]:
    for (route, found), decision, answer in zip(asked, decisions, answers, strict=True):
        if decision is not answer:
            yield route.action, str(found), decision
