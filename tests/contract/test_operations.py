"""Every operation answers each kind of caller as the real CASL decides with the caller's rules and `x-authorize`.

`OSTIARY_LONG=1` asks as all kinds of callers, otherwise those who have several rights at once stand for the others.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
from litestar.routes import HTTPRoute
from msgspec import Struct

from app.ability.json_lines import Check
from app.asgi import build
from app.auth.middleware import SETS_COOKIE
from app.auth.principal import ANONYMOUS
from app.guards.policy import ID_ATTRIBUTES, OWNER_ATTRIBUTES, SCHEMA, ability_for
from app.pages.html.controller import PAGE
from tests.contract.test_casl import CaslResult, Person, node, run_casl
from tests.support.app import SECRET, RunningApp, settings_for
from tests.support.operations import KNOWN, NO_OBJECTS, OBJECTS, REQUESTS, WITH, World, objects_in
from tests.support.policy_people import person
from tests.support.worlds import LANGUAGE, session_of, world_of

__all__ = ["node"]  # a fixture

WHO: tuple[str, ...] = (
    "anonymous",
    "suspended",
    "onboarding and translator of de and admin of de",
    "translator of de and admin of fr",
    "platform admin",
    "platform admin and translator of de",
)
if os.environ.get("OSTIARY_LONG"):
    WHO += ("user", "member of de", "translator of de", "admin of de", "platform admin and admin of fr")
APP = build(settings_for("postgresql:///unused"))
DOCUMENT = msgspec.to_builtins(APP.openapi_schema.to_schema())
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in ("get", "post", "put", "patch", "delete")
}
# What rules test of the objects of each type.
ATTRIBUTES = {**ID_ATTRIBUTES, **OWNER_ATTRIBUTES}
# The questions that an operation asks besides, where a request has a parameter, by the operation and the parameter.
FURTHER: dict[str, dict[str, Any]] = {
    f"{name}{WITH}{further['name']}": further["ask"]
    for name, operation in OPERATIONS.items()
    for further in operation["x-authorize"].get("when", ())
}
REFUSALS = ("not_signed_in", "forbidden", "onboarding_required")


class Answer(Struct):
    """What the service answered to a caller, and the question that the rule of the operation is."""

    who: str
    request: str
    operation: str
    status: int
    allowed: bool
    rule: dict[str, Any]
    check: Check | None
    objects: list[tuple[str, dict[str, Any]]]
    sets_cookie: bool


def test_an_operation_documents_a_cookie_exactly_if_its_route_says_that_it_sets_one() -> None:
    setting = {
        f"{method} {route.path_format}"
        for route in APP.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.opt.get(SETS_COOKIE) and not handler.opt.get(PAGE)
        for method in handler.http_methods
    }
    assert {name for name, operation in OPERATIONS.items() if _documents_cookie(operation)} == {
        name.replace("{user_id}", "{userId}") for name in setting
    }


def test_every_operation_has_a_rule_and_a_request_in_the_matrix() -> None:
    assert OPERATIONS.keys() | FURTHER.keys() == REQUESTS.keys()
    assert FURTHER.keys() == {
        "POST /api/keys with purpose",
        "GET /api/languages/{languageCode}/members with invitedBy",
    }
    assert [name for name, operation in OPERATIONS.items() if not operation.get("x-authorize")] == []


def test_every_id_of_a_rule_is_a_parameter_of_the_path() -> None:
    ids = {name: operation["x-authorize"].get("id", "me") for name, operation in OPERATIONS.items()}
    assert [name for name, id_ in ids.items() if id_ != "me" and f"{{{id_}}}" not in name] == []


async def test_every_operation_answers_every_caller_as_casl_decides(app: RunningApp, node: str) -> None:
    await app.user(KNOWN, admin=True)
    people, answers = list[Person](), list[list[Answer]]()
    for who in WHO:
        for code in ("de", "fr"):
            await app.resources.database.pool.execute(LANGUAGE, code)
        caller = None if who == "anonymous" else (await person(app, who, f"{uuid4()}@example.org", SECRET))[0]
        rules = (await (await _client(app, caller)).get("/api/session")).json()["rules"]
        await app.resources.database.pool.execute("DELETE FROM rate_limits")  # one address makes all requests
        people.append(Person(who, rules, ability_for(ANONYMOUS)))
        of_others = [await _answer(app, who, caller, operation, "fr") for operation in REQUESTS]
        own = [await _answer(app, who, caller, operation, "de") for operation in REQUESTS] if caller else []
        answers.append([*of_others, *own])

    checks = [answer.check for of_one in answers for answer in of_one if answer.check]
    results = run_casl(node, people, checks)
    assert results.keys() == {"6", "7"}
    for version, of_version in results.items():
        assert list(_differences(answers, of_version)) == [], f"CASL {version}"
    of_everybody = [answer for of_one in answers for answer in of_one]
    objects = [(one.operation, name, found) for one in of_everybody for name, found in one.objects]
    incomplete = {(where, name) for where, name, found in objects if not SCHEMA.subjects[name].keys() <= found.keys()}
    assert incomplete == set()
    assert {name for _, name, _ in objects} == ATTRIBUTES.keys()
    assert {where for where, _, _ in objects} == OBJECTS.keys()
    succeeded = {answer.request for answer in of_everybody if answer.status < 300}
    assert REQUESTS.keys() - succeeded == set()
    setting = {answer.operation for answer in of_everybody if answer.sets_cookie}
    assert setting == {name for name, operation in OPERATIONS.items() if _documents_cookie(operation)}


def _differences(answers: list[list[Answer]], results: list[CaslResult]) -> Iterator[Answer]:
    """The answers that CASL decides otherwise. Each person's decisions are on the checks of all people."""
    first = 0
    for of_one, result in zip(answers, results, strict=True):
        decisions = iter(result.decisions[first:])
        for answer in of_one:
            allowed = next(decisions).allowed if answer.check else _is_open(answer.rule, answer.who)
            if answer.allowed is not allowed:
                yield answer
        first += sum(answer.check is not None for answer in of_one)


def _documents_cookie(operation: Mapping[str, Any]) -> bool:
    return any("Set-Cookie" in response.get("headers", {}) for response in operation["responses"].values())


def _is_open(rule: Mapping[str, object], who: str) -> bool:
    """Whether an operation that asks no rule is open to this caller."""
    if "anyone" in rule:
        return True
    return who not in ("anonymous", "suspended") and ("signedIn" in rule or not who.startswith("onboarding"))


async def _answer(app: RunningApp, who: str, caller: UUID | None, request: str, code: str) -> Answer:
    """Send the request of an operation: about the caller in the language de, about somebody else in fr."""
    operation = request.partition(WITH)[0]
    world = await world_of(app, operation, caller if code == "de" else None, code)
    rule = FURTHER[request] if request in FURTHER else OPERATIONS[operation]["x-authorize"]
    sent, client = REQUESTS[request](world), await _client(app, caller)
    method, _, path = operation.format_map(world.parameters(operation)).partition(" ")
    answer = await client.request(method, path, json=sent.json, headers=dict(sent.headers), params=dict(sent.query))
    assert answer.status_code not in (400, 405, 415, 422, 428, 429, 500), f"{request}: {answer.text}"
    allowed = answer.is_success or answer.json()["code"] not in REFUSALS
    check = _check(rule, world, str(caller), operation)
    with_body = answer.is_success and answer.content
    assert not with_body or operation in OBJECTS or operation in NO_OBJECTS, "say which objects it has"
    objects = objects_in(operation, answer.json()) if with_body else []
    return Answer(
        who, request, operation, answer.status_code, allowed, rule, check, objects, "set-cookie" in answer.headers
    )


def _check(rule: Mapping[str, str], world: World, caller: str, operation: str) -> Check | None:
    """The question of a rule, as its `x-authorize` says it."""
    if "action" not in rule:
        return None
    subject: dict[str, object] | None = None
    if rule.get("id") == "me":
        # A list has the caller's own subjects alone, a path with an id can name those of others.
        subject = {rule["attribute"]: world.owner_id if "{" in operation else caller}
    elif "id" in rule:
        named = world.parameters(operation)[rule["id"]]
        subject = {rule["attribute"]: caller if named == "me" else named}
    return Check(rule["action"], rule["subjectType"], subject, rule.get("field"))


async def _client(app: RunningApp, caller: UUID | None) -> httpx.AsyncClient:
    """A client with a new session of the caller, because earlier requests may have ended the others."""
    return app.with_cookie((await session_of(app, caller))[1]) if caller else app.client()
