"""Every operation answers each kind of caller as the real CASL decides with the caller's rules and `x-authorize`."""

from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from msgspec import Struct

from app.ability.json_lines import Check
from app.asgi import build
from app.auth.principal import ANONYMOUS
from app.guards.policy import ability_for
from tests.contract.test_casl import Person, node, run_casl
from tests.support.app import RunningApp, settings_for
from tests.support.operations import REQUESTS, World
from tests.support.policy_people import person

__all__ = ["node"]  # a fixture

WHO = (
    "anonymous",
    "onboarding and translator of de and admin of de",
    "user",
    "member of de",
    "translator of de",
    "admin of de",
    "translator of de and admin of fr",
    "platform admin",
    "platform admin and translator of de",
)
DOCUMENT = msgspec.to_builtins(build(settings_for("postgresql:///unused")).openapi_schema.to_schema())
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in ("get", "post", "put", "patch", "delete")
}
REFUSALS = ("not_signed_in", "forbidden", "onboarding_required")
NUMBERS = count()
ID = "SELECT id FROM users WHERE email = $1"
ROLE = "SELECT platform_role FROM users WHERE id = $1"
PRIMARY_KEY = "SELECT id FROM keys WHERE user_id = $1 AND kind = 'primary'"
INVITED = "INSERT INTO language_members SELECT $1, id, '{}', NULL, now() FROM users WHERE email = $2"
GREETING = """
INSERT INTO translations VALUES ($1, 'greeting', 'Hallo', 'draft', 1, NULL, now())
ON CONFLICT (language_code, key) DO UPDATE SET version = 1
"""


class Answer(Struct):
    """What the service answered to a caller, and the question that its rule is."""

    operation: str
    allowed: bool
    rule: dict[str, Any]
    check: Check | None


def test_every_operation_has_a_rule_and_a_request_in_the_matrix() -> None:
    assert OPERATIONS.keys() == REQUESTS.keys()
    assert [name for name, operation in OPERATIONS.items() if not operation.get("x-authorize")] == []


def test_every_id_of_a_rule_is_a_parameter_of_the_path() -> None:
    ids = {name: operation["x-authorize"].get("id", "me") for name, operation in OPERATIONS.items()}
    assert [name for name, id_ in ids.items() if id_ != "me" and f"{{{id_}}}" not in name] == []


@pytest.mark.parametrize("who", WHO)
async def test_every_operation_answers_as_casl_decides(app: RunningApp, node: str, who: str) -> None:
    for code in ("de", "fr"):
        await app.language(code, code)
        await app.member(await app.user(f"translator-{code}@example.org"), code, "translator")
    caller = None if who == "anonymous" else (await person(app, who, "ada@example.org"))[0]
    await app.user("root@example.org", admin=True)
    rules = (await (await _client(app, caller)).get("/api/session")).json()["rules"]

    answers = [await _answer(app, caller, operation, "fr") for operation in REQUESTS]
    if caller:
        answers += [await _answer(app, caller, operation, "de") for operation in REQUESTS]

    checks = [answer.check for answer in answers if answer.check]
    results = run_casl(node, [Person(who, rules, ability_for(ANONYMOUS))], checks)
    assert results.keys() == {"6", "7"}
    for version, [result] in results.items():
        decisions = iter(result.decisions)
        for answer in answers:
            allowed = next(decisions).allowed if answer.check else _is_open(answer.rule, who)
            assert answer.allowed is allowed, f"CASL {version}: {answer}"


def _is_open(rule: Mapping[str, object], who: str) -> bool:
    """Whether an operation that asks no rule is open to this caller."""
    if "anyone" in rule:
        return True
    return who != "anonymous" and ("signedIn" in rule or not who.startswith("onboarding"))


async def _answer(app: RunningApp, caller: UUID | None, operation: str, code: str) -> Answer:
    """Send the request of an operation: about the caller in the language de, about somebody else in fr."""
    world = await _world(app, caller if code == "de" else None, code)
    rule, sent = OPERATIONS[operation]["x-authorize"], REQUESTS[operation](world)
    client = await _client(app, caller)
    answer = await client.request(
        operation.partition(" ")[0], world.path(operation), json=sent.json, headers=dict(sent.headers)
    )
    assert answer.status_code not in (400, 405, 415, 422, 500), f"{operation}: {answer.text}"
    allowed = answer.is_success or answer.json()["code"] not in REFUSALS
    return Answer(operation, allowed, rule, _check(rule, world, str(caller), operation))


def _check(rule: Mapping[str, str], world: World, caller: str, operation: str) -> Check | None:
    """The question of a rule, as its `x-authorize` says it."""
    if "action" not in rule:
        return None
    subject: dict[str, object] | None = None
    if rule.get("id") == "me":
        # A list has the caller's own subjects alone, a path with an id can name those of others.
        subject = {rule["attribute"]: world.owner_id if "{" in operation else caller}
    elif "id" in rule:
        subject = {rule["attribute"]: world.owner_id if rule["id"] == "user_id" else world.code}
    return Check(rule["action"], rule["subjectType"], subject, rule.get("field"))


async def _client(app: RunningApp, caller: UUID | None) -> httpx.AsyncClient:
    """A client with a new session of the caller, because earlier requests may have ended the others."""
    if caller is None:
        return app.client()
    is_admin = await app.resources.database.pool.fetchval(ROLE, caller) == "admin"
    return app.with_cookie(await app.token(caller, admin=is_admin))


async def _world(app: RunningApp, owner: UUID | None, code: str) -> World:
    """What requests are about: all of it exists, whatever earlier requests have done."""
    pool, number = app.resources.database.pool, next(NUMBERS)
    if await pool.fetchval("SELECT true FROM languages WHERE code = $1", code) is None:
        await app.language(code)
    member, waiting = f"member-{number}@example.org", f"waiting-{number}@example.org"
    await app.member(await app.user(member, secret=None), code)
    token = await app.invitation(waiting)
    await pool.execute(INVITED, code, waiting)
    email = f"somebody-{number}@example.org"
    subject = owner or await app.user(email)
    session = await app.sessions.authenticate(await app.token(subject))
    assert session.session
    await pool.execute(GREETING, code)
    return World(
        owner_id=str(subject),
        user_id="me" if owner else str(subject),
        session_id=str(session.session.id),
        key_id=str(await pool.fetchval(PRIMARY_KEY, subject)),
        code=code,
        member_id=str(await pool.fetchval(ID, member)),
        invited_id=str(await pool.fetchval(ID, waiting)),
        token=token,
        email="root@example.org",
    )
