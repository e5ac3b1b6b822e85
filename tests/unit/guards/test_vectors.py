"""Decisions of @casl/ability 7.0.1 for random rule sets, without nulls (`core`) and with them (`null`)."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from app.guards.ability import Ability, Decision, Rule, Subject
from app.guards.casl import export, from_casl, pack, unpack

VECTORS = Path(__file__).parents[2] / "vectors"


class Check(msgspec.Struct, rename="camel"):
    action: str
    subject_type: str
    subject: dict[str, object] | None
    field: str | None
    allowed: bool
    reason: str | None
    relevant_rule_index: int | None


class Query(msgspec.Struct, rename="camel"):
    action: str
    subject_type: str
    allowed_ids: list[int]


class Case(msgspec.Struct):
    case: int
    rules: list[dict[str, object]]
    packed: list[list[object]]
    rows: dict[str, list[dict[str, object]]]
    checks: list[Check]
    queries: list[Query]


def load(profile: str) -> list[Case]:
    lines = (VECTORS / f"casl7-{profile}.jsonl").read_text().splitlines()
    return [msgspec.json.decode(line, type=Case) for line in lines]


CASES = [pytest.param(case, id=f"{profile}-{case.case}") for profile in ("core", "null") for case in load(profile)]


def reloaded(rules: tuple[Rule, ...], form: Callable[[Ability], object]) -> object:
    return json.loads(json.dumps(form(Ability(rules))))


FORMS: Mapping[str, Callable[[Case], tuple[Rule, ...]]] = {
    "raw": lambda case: from_casl(case.rules),
    "packed": lambda case: unpack(case.packed),
    "exported": lambda case: from_casl(reloaded(from_casl(case.rules), export)),
    "repacked": lambda case: unpack(reloaded(unpack(case.packed), pack)),
}


def answer(ability: Ability, check: Check) -> Decision:
    if check.subject is None:
        return ability.decide_some(check.action, check.subject_type, check.field)
    return ability.decide(check.action, Subject(check.subject_type, check.subject), check.field)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_decision_rule_and_reason_are_casls(case: Case, form: str) -> None:
    ability = Ability(FORMS[form](case))
    expected = [Decision(check.allowed, check.relevant_rule_index, check.reason) for check in case.checks]
    assert [answer(ability, check) for check in case.checks] == expected


@pytest.mark.parametrize("case", CASES)
def test_the_rows_allowed_one_by_one_are_casls(case: Case) -> None:
    ability = Ability(from_casl(case.rules))
    for query in case.queries:
        rows = case.rows[query.subject_type]
        allowed = [row["id"] for row in rows if ability.can(query.action, Subject(query.subject_type, row))]
        assert allowed == query.allowed_ids
