"""Decisions of @casl/ability 7.0.1, recorded in `tests/vectors/`, and a schema for their rules.

Each profile is a file of random cases: `core` without null attributes, `null` with them.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from app.ability.casl import from_casl
from app.ability.conditions import ORDERING_OPERATORS
from app.ability.rules import Rule, Schema

VECTORS = Path(__file__).parents[1] / "vectors"
PROFILES = ("core", "null")

SCHEMA = Schema(
    actions=frozenset({"create", "read", "administer", "translate", "publish", "archive"}),
    subjects={
        "Language": {
            "id": "number",
            "code": "string",
            "public": "boolean",
            "speakers": "number",
            "org.id": "number",
            "org.tier": "string",
        },
        "User": {
            "id": "number",
            "email": "string",
            "role": "string",
            "active": "boolean",
            "age": "number",
            "org.id": "number",
            "org.region.code": "string",
        },
        "Translation": {
            "id": "number",
            "languageId": "number",
            "authorId": "number",
            "status": "string",
            "score": "number",
            "org.id": "number",
            "meta.locked": "boolean",
            "meta.source.kind": "string",
        },
    },
)


class RecordedCheck(msgspec.Struct, rename="camel"):
    """One question and CASL's answer. A check without a subject is about the type."""

    action: str
    subject_type: str
    subject: dict[str, object] | None
    field: str | None
    allowed: bool
    reason: str | None
    relevant_rule_index: int | None


class RecordedQuery(msgspec.Struct, rename="camel"):
    """The ids of those rows of one type on which CASL allows the action."""

    action: str
    subject_type: str
    allowed_ids: list[int]


class RecordedCase(msgspec.Struct):
    """One line of a file: rules, raw and packed by CASL, rows by subject type, and CASL's answers."""

    case: int
    profile: str
    rules: list[dict[str, object]]
    packed: list[list[object]]
    rows: dict[str, list[dict[str, object]]]
    checks: list[RecordedCheck]
    queries: list[RecordedQuery]


def load_cases(profile: str) -> list[RecordedCase]:
    """All cases of one profile."""
    lines = (VECTORS / f"casl7-{profile}.jsonl").read_text().splitlines()
    return [msgspec.json.decode(line, type=RecordedCase) for line in lines]


def with_null_guards(case: RecordedCase) -> tuple[Rule, ...]:
    """The rules of the case, with the null guard that a schema requires beside each ordering operator.

    The profile `null` gets no guards: they would change the decisions on null attributes.
    """
    rules = from_casl(case.rules)
    return tuple(_guard_rule(rule) for rule in rules) if case.profile == "core" else rules


def _guard_rule(rule: Rule) -> Rule:
    conditions = {path: _guard_operators(operators) for path, operators in (rule.conditions or {}).items()}
    return msgspec.structs.replace(rule, conditions=conditions or None)


def _guard_operators(operators: object) -> object:
    if not isinstance(operators, Mapping) or operators.keys().isdisjoint(ORDERING_OPERATORS):
        return operators
    return {"$exists": True, "$ne": None, **operators}


def expected_refusal(rules: tuple[Rule, ...]) -> str | None:
    """The start of the message with which `SCHEMA` must refuse the rules; None if it must accept them.

    Derived from the rules without the engine. The two causes are a field that not every type of the rule declares,
    and an ordering operator without its null guard.
    """
    for index, rule in enumerate(rules):
        types = SCHEMA.subjects.keys() if "all" in rule.subjects else rule.subjects
        for field in rule.fields or ():
            if not all(_declares_field(SCHEMA.subjects[name], field) for name in types):
                return f"rule {index}: fields: {field!r} is not an attribute of every subject type"
        for path, operators in (rule.conditions or {}).items():
            if isinstance(operators, Mapping) and any(name in ORDERING_OPERATORS for name in operators):
                guards = (operators.get("$exists"), operators.get("$ne", "nothing"))
                if guards != (True, None):
                    return f"rule {index}: conditions.{path}: an ordering needs"
    return None


def _declares_field(attributes: Mapping[str, object], field: str) -> bool:
    return field in attributes or field in {path.split(".", maxsplit=1)[0] for path in attributes}
