"""Exported rules, loaded into the real @casl/ability 6 and 7, decide as the server does."""

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import pytest
from msgspec import Struct, structs

from app.ability.ability import Ability, Decision
from app.ability.casl import export, from_casl, unpack_rules
from app.ability.json_lines import Check, decide_check
from app.ability.rules import Rule
from app.auth.principal import ANONYMOUS
from app.guards.policy import SCHEMA, ability_for
from tests.support.app import RunningApp
from tests.support.documents import code_blocks, run_python_blocks
from tests.support.node_packages import node_with
from tests.support.policy_people import person

CASL = Path(__file__).parent / "casl"
WHO = (
    "anonymous",
    "onboarding",
    "suspended",
    "user",
    "member of de",
    "translator of de",
    "admin of de",
    "member of fr",
    "translator of fr",
    "admin of fr",
    "translator of de and admin of fr",
    "platform admin",
    "platform admin and translator of de",
)


Version: TypeAlias = Literal["6", "7"]


class CaslResult(Struct, rename="camel"):
    """What one version of CASL answers with the rules of one person."""

    decisions: list[Decision]
    permitted_fields: list[list[str]]
    packed: list[list[object]]


class Person(Struct):
    """One person's rules as the API sends them, the ability with which the server decides, and `GET /api/session`."""

    who: str
    rules: list[dict[str, object]]
    ability: Ability
    session: Mapping[str, object] = {}


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js, with both CASL versions installed."""
    return node_with(CASL)


async def create_people(app: RunningApp) -> list[Person]:
    await app.language("de", "German")
    await app.language("fr", "French")
    people = []
    for number, who in enumerate(WHO):
        if who == "anonymous":
            client, principal = app.client(), ANONYMOUS
        else:
            _, token = await person(app, who, f"person{number}@example.org")
            client, principal = app.with_cookie(token), await app.sessions.authenticate(token)
        response = await client.get("/api/session")
        people.append(Person(who, response.json()["rules"], ability_for(principal)))
    return people


async def user_ids(app: RunningApp) -> list[str]:
    return [str(row["id"]) for row in await app.resources.database.pool.fetch("SELECT id FROM users")]


def sample_subjects(user_ids: list[str]) -> list[tuple[str, dict[str, object] | None]]:
    """Of every type: None for the type itself, and subjects with their nulls as the API sends them."""
    samples: dict[str, list[dict[str, object]]] = {
        "Language": [{"code": code, "name": "X"} for code in ("de", "fr", "DE", "")],
        "Translation": [{"languageCode": code, "text": None} for code in ("de", "fr", "xx")],
        "User": [
            {"id": id_, "name": "", "email": "a@b.c", "phone": None, "platformRole": None, "status": "active"}
            for id_ in user_ids
        ],
        "Session": [{"userId": id_} for id_ in user_ids],
        "Key": [{"userId": id_} for id_ in user_ids],
        "AuditEvent": [{"id": user_ids[0]}],
        "Policy": [{}],
        "Job": [{"id": user_ids[0]}],
        "ServiceAccount": [{"id": id_} for id_ in user_ids],
    }
    assert samples.keys() == SCHEMA.subjects.keys()
    return [(subject_type, subject) for subject_type, found in samples.items() for subject in (None, *found)]


def all_checks(user_ids: list[str]) -> list[Check]:
    checks = [
        Check(action, subject_type, subject, field)
        for action in (*sorted(SCHEMA.actions), "manage")
        for subject_type, subject in sample_subjects(user_ids)
        for field in (None, *SCHEMA.subjects[subject_type])
    ]
    return [*checks, Check("read", "all"), Check("manage", "all")]


def without_field(checks: list[Check]) -> list[Check]:
    """One check for each action and subject, for questions about the permitted fields."""
    return [check for check in checks if check.field is None and check.subject_type in SCHEMA.subjects]


def permitted_fields(ability: Ability, check: Check) -> set[str]:
    return {
        field
        for field in SCHEMA.subjects[check.subject_type]
        if decide_check(ability, structs.replace(check, field=field)).allowed
    }


def run_casl(node: str, people: list[Person], checks: list[Check]) -> Mapping[Version, list[CaslResult]]:
    """The results of each CASL version, one for each person."""
    request = {
        "people": [one.rules for one in people],
        "checks": checks,
        "checksWithoutField": without_field(checks),
        "fields": {subject_type: list(attributes) for subject_type, attributes in SCHEMA.subjects.items()},
    }
    done = subprocess.run(
        [node, CASL / "decide.mjs"], input=msgspec.json.encode(request), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=dict[Version, list[CaslResult]])


async def test_both_versions_decide_on_exported_rules_as_the_server_does(app: RunningApp, node: str) -> None:
    people = await create_people(app)
    checks = all_checks(await user_ids(app))
    results = run_casl(node, people, checks)
    assert results.keys() == {"6", "7"}
    for version, of_people in results.items():
        for one, result in zip(people, of_people, strict=True):
            for check, decision in zip(checks, result.decisions, strict=True):
                assert decision == decide_check(one.ability, check), f"{one.who}, CASL {version}: {check}"


async def test_both_versions_permit_the_same_fields_as_the_server(app: RunningApp, node: str) -> None:
    people = await create_people(app)
    checks = all_checks(await user_ids(app))
    some_but_not_all = 0
    for version, of_people in run_casl(node, people, checks).items():
        for one, result in zip(people, of_people, strict=True):
            for check, fields in zip(without_field(checks), result.permitted_fields, strict=True):
                expected = permitted_fields(one.ability, check)
                assert set(fields) == expected, f"{one.who}, CASL {version}: {check}"
                some_but_not_all += 0 < len(expected) < len(SCHEMA.subjects[check.subject_type])
    assert some_but_not_all > 20


async def test_rules_that_both_versions_pack_are_unpacked_to_the_same_rules(app: RunningApp, node: str) -> None:
    people = await create_people(app)
    for of_people in run_casl(node, people, []).values():
        for one, result in zip(people, of_people, strict=True):
            assert unpack_rules(result.packed) == from_casl(one.rules)


def test_both_versions_decide_on_the_columns_of_a_database_as_the_server_does(node: str) -> None:
    empty: list[dict[str, object]] = [
        {name: value} for name in ("conditions", "fields", "inverted", "reason") for value in (None, "")
    ]
    switches: list[dict[str, object]] = [
        {"inverted": value, "conditions": {"code": "de"}} for value in (0, 1, False, True)
    ]
    columns = [{}, *empty, *switches, {"conditions": "", "fields": "", "inverted": 1, "reason": ""}]
    grant: dict[str, object] = {"action": "read", "subject": "Language"}
    people = [Person("a row", rules := [grant, {**grant, **column}], Ability(from_casl(rules))) for column in columns]
    checks = [Check("read", "Language", {"code": code}, field) for code in ("de", "fr") for field in (None, "name")]
    for version, of_people in run_casl(node, people, checks).items():
        for one, result in zip(people, of_people, strict=True):
            decisions = [structs.replace(decision, reason=decision.reason or None) for decision in result.decisions]
            assert decisions == [decide_check(one.ability, check) for check in checks], f"CASL {version}: {one.rules}"


def test_both_versions_order_times_as_text_as_the_server_does(node: str) -> None:
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    bounds = [midnight, midnight + timedelta(microseconds=5)]
    times = [midnight + timedelta(microseconds=step) for step in (-1, 0, 1, 5, 6, 999_999, 1_000_000)]
    guard = {"$exists": True, "$ne": None}
    abilities = [
        Ability([Rule(("read",), ("Event",), {"at": {**guard, operator: bound}})])
        for operator in ("$lt", "$lte", "$gt", "$gte", "$eq", "$ne")
        for bound in bounds
    ]
    people = [Person("somebody", export(ability), ability) for ability in abilities]
    checks = [Check("read", "Event", {"at": msgspec.to_builtins(time)}) for time in times]
    for of_people in run_casl(node, people, checks).values():
        for one, result in zip(people, of_people, strict=True):
            assert result.decisions == [decide_check(one.ability, check) for check in checks], one.rules


def test_both_versions_decide_on_lists_as_the_server_does(node: str) -> None:
    alls: list[object] = [[], ["a"], ["a", "b"], [None], [True], [1], [1, True, "1"]]
    operators: list[object] = [*({"$all": values} for values in alls), {"$size": 0}, {"$size": 1}, {"$size": 2}]
    conditions: list[dict[str, object]] = [
        *[{path: operator} for path in ("tags", "parts.tags") for operator in operators],
        {"parts.name": {"$all": ["a", "b"]}},
        {"tags": {"$size": 2, "$all": ["a"], "$nin": ["c"]}},
    ]
    lists: list[object] = [
        [], ["a"], ["b", "a"], ["a", "a"], [None], [True], [1], [1, True, "1"], ["c", "a"], [["a"]], [{"a": 1}],
    ]  # fmt: skip
    no_lists: list[object] = ["a", "", None, 1, 0, True, {"length": 0}]
    one_part: list[object] = [{"tags": value, "name": value} for value in [*lists, *no_lists]]
    two_parts: list[object] = [[{"tags": value, "name": "a"}, {"tags": ["x"], "name": "b"}] for value in lists]
    subjects: list[dict[str, object]] = [
        *[{"tags": value, "parts": []} for value in [*lists, *no_lists]],
        *[{"tags": [], "parts": parts} for parts in [*one_part, *two_parts]],
    ]
    abilities = [Ability([Rule(("read",), ("Event",), one)]) for one in conditions]
    people = [Person("somebody", export(ability), ability) for ability in abilities]
    checks = [Check("read", "Event", one) for one in subjects]
    for version, of_people in run_casl(node, people, checks).items():
        for one, result in zip(people, of_people, strict=True):
            for check, decision in zip(checks, result.decisions, strict=True):
                assert decision == decide_check(one.ability, check), f"CASL {version}: {one.rules}, {check.subject}"


@pytest.mark.parametrize("package", ["casl6", "casl7"])
def test_the_javascript_example_of_the_document_prints_what_the_document_says(node: str, package: str) -> None:
    namespace, _ = run_python_blocks("ability.md")
    blocks = dict(code_blocks("ability.md"))
    script = f"const rules = {namespace['rules']};\n" + blocks["js"].replace("@casl/ability", package)
    done = subprocess.run(
        [node, "--input-type=module", "--eval", script],
        cwd=CASL, capture_output=True, check=False, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == blocks["text"], done.stderr
