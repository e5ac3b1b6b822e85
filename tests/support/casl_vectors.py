"""The vectors of @casl/ability 7.0.1, and a schema of what their rules speak of."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from app.ability.casl import from_casl
from app.ability.conditions import ORDERINGS
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


class Check(msgspec.Struct, rename="camel"):
    """One question and CASL's answer."""

    action: str
    subject_type: str
    subject: dict[str, object] | None
    field: str | None
    allowed: bool
    reason: str | None
    relevant_rule_index: int | None


class Query(msgspec.Struct, rename="camel"):
    """The rows of one type on which CASL allows the action."""

    action: str
    subject_type: str
    allowed_ids: list[int]


class Case(msgspec.Struct):
    """One line of the vectors: rules, and what CASL makes of them."""

    case: int
    profile: str
    rules: list[dict[str, object]]
    packed: list[list[object]]
    rows: dict[str, list[dict[str, object]]]
    checks: list[Check]
    queries: list[Query]


def load(profile: str) -> list[Case]:
    """All cases of one profile."""
    lines = (VECTORS / f"casl7-{profile}.jsonl").read_text().splitlines()
    return [msgspec.json.decode(line, type=Case) for line in lines]


def with_guards(case: Case) -> tuple[Rule, ...]:
    """The rules, each ordering with the guard that a schema wants beside it, wherever there is room for it.

    Where an attribute may be null the guard would change answers, and the rules are left as they are.
    """
    rules = from_casl(case.rules)
    return tuple(_guarded(rule) for rule in rules) if case.profile == "core" else rules


def _guarded(rule: Rule) -> Rule:
    conditions = {path: _beside_a_guard(operators) for path, operators in (rule.conditions or {}).items()}
    return msgspec.structs.replace(rule, conditions=conditions or None)


def _beside_a_guard(operators: object) -> object:
    if not isinstance(operators, Mapping) or operators.keys().isdisjoint(ORDERINGS):
        return operators
    return {"$exists": True, "$ne": None, **operators}


def refusal(rules: tuple[Rule, ...]) -> str | None:
    """How the message begins with which `SCHEMA` must refuse these rules, told from the rules alone; None: it must not.

    There are two reasons: a field that not every type of the rule declares, and an ordering without its guard.
    """
    for index, rule in enumerate(rules):
        types = SCHEMA.subjects.keys() if "all" in rule.subjects else rule.subjects
        for field in rule.fields or ():
            if not all(_has(SCHEMA.subjects[name], field) for name in types):
                return f"rule {index}: fields: {field!r} is not an attribute of every subject type"
        for path, operators in (rule.conditions or {}).items():
            if isinstance(operators, Mapping) and any(name in ORDERINGS for name in operators):
                guards = (operators.get("$exists"), operators.get("$ne", "nothing"))
                if guards != (True, None):
                    return f"rule {index}: conditions.{path}: an ordering needs"
    return None


def _has(attributes: Mapping[str, object], field: str) -> bool:
    return field in attributes or field in {path.split(".", maxsplit=1)[0] for path in attributes}
