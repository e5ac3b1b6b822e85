"""CASL takes every object as the API returns it, and decides on the object as the route that acts on it answers."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx

from app.ability.json_lines import Check
from app.auth.principal import ANONYMOUS
from app.guards.policy import SCHEMA, ability_for
from tests.contract.test_casl import Person, node, run_casl
from tests.support.app import RunningApp
from tests.support.policy_people import person
from tests.support.worlds import DEAD_JOB, session_of

__all__ = ["node"]  # a fixture

WHO = ("member of de", "translator of de and admin of fr", "platform admin", "platform admin and translator of de")
OBJECTS_MAX = 6


class Route(NamedTuple):
    """The request by which a caller does `action` on an object; names in braces are attributes of the object."""

    action: str
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = {}
    field: str | None = None


class Asked(NamedTuple):
    """What a caller has asked of an object, and whether they were allowed to do it."""

    who: str
    check: Check
    allowed: bool


TEXTS = "/api/languages/{languageCode}/translations"
# Where the API returns objects of each type, and what can be done with them. What ends objects of others comes last.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "Session": ("/api/sessions",),
    "Key": ("/api/keys",),
    "AuditEvent": ("/api/audit-events",),
    "Job": ("/api/jobs",),
    "ServiceAccount": ("/api/service-accounts",),
    "Translation": (
        "/api/languages/de/translations",
        "/api/languages/fr/translations",
        "/api/languages/de/translations/greeting",
        "/api/languages/de/translations/greeting/history",
    ),
    "Language": ("/api/languages", "/api/languages/de"),
    "User": ("/api/users", "/api/users/me"),
}
ROUTES: Mapping[str, tuple[Route, ...]] = {
    "Session": (Route("delete", "DELETE", "/api/sessions/{id}"),),
    "Key": (Route("delete", "DELETE", "/api/keys/{id}"),),
    "AuditEvent": (Route("read", "GET", "/api/audit-events"),),
    "Job": (Route("administer", "POST", "/api/jobs/{id}/retry"),),
    "ServiceAccount": (Route("read", "GET", "/api/service-accounts/{id}"),),
    "Translation": (
        Route("read", "GET", f"{TEXTS}/{{key}}"),
        Route("create", "PUT", f"{TEXTS}/new", {"text": "Moin"}, {"If-None-Match": "*"}),
        Route("update", "PUT", f"{TEXTS}/{{key}}", {"text": "Moin"}, {"If-Match": '"1"'}),
        Route("translate", "PUT", f"{TEXTS}/{{key}}", {"text": "Moin"}, {"If-Match": '"1"'}),
        Route("delete", "DELETE", f"{TEXTS}/{{key}}", headers={"If-Match": '"1"'}),
    ),
    "Language": (
        Route("read", "GET", "/api/languages/{code}"),
        Route("update", "PATCH", "/api/languages/{code}", {"name": "Renamed"}),
        Route("administer", "POST", "/api/languages/{code}/members", {"email": "writer@example.org", "roles": []}),
        Route("translate", "PUT", "/api/languages/{code}/translations/a", {"text": "Neu"}, {"If-None-Match": "*"}),
        Route("delete", "DELETE", "/api/languages/{code}"),
    ),
    "User": (
        Route("read", "GET", "/api/users/{id}"),
        Route("update", "PATCH", "/api/users/{id}", {"name": "Augusta"}, field="name"),
        Route("administer", "PUT", "/api/users/{id}/platform-role", {"role": None}, field="platformRole"),
        Route("administer", "POST", "/api/users/{id}/suspension", {"reason": "Spam"}, field="status"),
        Route("delete", "DELETE", "/api/users/{id}"),
    ),
}


def test_every_type_with_objects_in_the_api_is_here() -> None:
    assert SOURCES.keys() == ROUTES.keys()
    assert SCHEMA.subjects.keys() - SOURCES.keys() == {"Policy"}


async def test_casl_decides_on_objects_as_the_api_returns_them(app: RunningApp, node: str) -> None:
    people, asked = list[Person](), list[Asked]()
    for who in WHO:
        await _other_people_and_texts(app)
        user_id, token = await person(app, who, "ada@example.org")
        rules = (await app.with_cookie(token).get("/api/session")).json()["rules"]
        people.append(Person(who, rules, ability_for(ANONYMOUS)))
        for subject_type, sources in SOURCES.items():
            objects = [found for path in sources for found in await _objects(await _client(app, user_id), path)]
            wanted = SCHEMA.subjects[subject_type].keys()
            assert [found for found in objects if not wanted <= found.keys()] == []
            # The caller comes last: whoever deletes their own account asks nothing after it.
            some = sorted(objects[:OBJECTS_MAX], key=lambda found: found.get("id") == str(user_id))
            for route, found in ((route, found) for route in ROUTES[subject_type] for found in some):
                check = Check(route.action, subject_type, found, route.field)
                asked.append(Asked(who, check, await _is_allowed(await _client(app, user_id), route, found)))
        await app.execute("DELETE FROM users")
        await app.execute("DELETE FROM languages")

    results = run_casl(node, people, [one.check for one in asked])
    assert results.keys() == {"6", "7"}
    for version, of_people in results.items():
        decisions = dict(zip(WHO, (result.decisions for result in of_people), strict=True))
        different = [one for place, one in enumerate(asked) if decisions[one.who][place].allowed is not one.allowed]
        assert different == [], f"CASL {version}"
    assert {(one.check.subject_type, one.check.action) for one in asked if one.allowed} == set(_rights())


async def _other_people_and_texts(app: RunningApp) -> None:
    await app.resources.database.pool.execute(DEAD_JOB, uuid4(), app.clock())
    await app.user("root@example.org", admin=True)
    await app.service_account()
    writer = await app.user("writer@example.org")
    for code in ("de", "fr"):
        await app.language(code)
        await app.member(writer, code, "translator")
        path = f"/api/languages/{code}/translations/greeting"
        answer = await (await _client(app, writer)).put(path, json={"text": "Hi"}, headers={"If-None-Match": "*"})
        assert answer.status_code == 201


async def _client(app: RunningApp, user_id: UUID) -> httpx.AsyncClient:
    """A client with a new session, because a request may end that of another one."""
    return app.with_cookie((await session_of(app, user_id))[1])


def _rights() -> Iterator[tuple[str, str]]:
    for subject_type, routes in ROUTES.items():
        for route in routes:
            yield subject_type, route.action


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
    assert answer.status_code not in (400, 401, 405, 422, 428, 429, 500), f"{route}: {answer.text}"
    return answer.is_success or answer.json()["code"] != "forbidden"
