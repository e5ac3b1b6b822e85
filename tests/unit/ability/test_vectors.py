"""Decisions of @casl/ability 7.0.1 for random rule sets, without nulls (`core`) and with them (`null`)."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from app.ability.ability import Ability, Decision, Subject
from app.ability.casl import export, from_casl, pack, unpack
from app.ability.condition_parsing import InvalidRule
from app.ability.rules import Rule
from tests.support.casl_vectors import PROFILES, SCHEMA, Case, Check, load, refusal, with_guards

ALL = [case for profile in PROFILES for case in load(profile)]
Form = Callable[[Case], tuple[Rule, ...]]


def reloaded(rules: tuple[Rule, ...], form: Callable[[Ability], object]) -> object:
    return json.loads(json.dumps(form(Ability(rules))))


FORMS: Mapping[str, Form] = {
    "raw": lambda case: from_casl(case.rules),
    "packed": lambda case: unpack(case.packed),
    "exported": lambda case: from_casl(reloaded(from_casl(case.rules), export)),
    "repacked": lambda case: unpack(reloaded(unpack(case.packed), pack)),
}
DECLARED_FORMS: Mapping[str, Form] = {
    "raw": lambda case: from_casl(case.rules),
    "guarded": with_guards,
    "exported": lambda case: from_casl(reloaded(with_guards(case), export)),
}


def name(case: Case) -> str:
    return f"{case.profile}-{case.case}"


def answer(ability: Ability, check: Check) -> Decision:
    if check.subject is None:
        return ability.decide_some(check.action, check.subject_type, check.field)
    return ability.decide(check.action, Subject(check.subject_type, check.subject), check.field)


def hold_decisions(ability: Ability, case: Case) -> None:
    expected = [Decision(check.allowed, check.relevant_rule_index, check.reason) for check in case.checks]
    assert [answer(ability, check) for check in case.checks] == expected, name(case)


def hold_rows(ability: Ability, case: Case) -> None:
    for query in case.queries:
        rows = case.rows[query.subject_type]
        allowed = [row["id"] for row in rows if ability.can(query.action, Subject(query.subject_type, row))]
        assert allowed == query.allowed_ids, name(case)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("profile", PROFILES)
def test_decision_rule_and_reason_are_casls(profile: str, form: str) -> None:
    for case in load(profile):
        hold_decisions(Ability(FORMS[form](case)), case)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_rows_allowed_one_by_one_are_casls(profile: str) -> None:
    for case in load(profile):
        hold_rows(Ability(from_casl(case.rules)), case)


@pytest.mark.parametrize("form", DECLARED_FORMS)
@pytest.mark.parametrize("profile", PROFILES)
def test_with_a_schema_the_answers_are_casls_or_the_rules_are_refused_for_a_known_reason(
    profile: str, form: str
) -> None:
    for case in load(profile):
        rules = DECLARED_FORMS[form](case)
        expected = refusal(rules)
        if expected is None:
            ability = Ability(rules, SCHEMA)
            hold_decisions(ability, case)
            hold_rows(ability, case)
        else:
            with pytest.raises(InvalidRule, match=f"^{re.escape(expected)}"):
                Ability(rules, SCHEMA)


def test_a_schema_decides_most_of_the_vectors() -> None:
    refusals = [refusal(with_guards(case)) for case in ALL]
    reasons = Counter(found and found.split(": ")[1].split(".")[0] for found in refusals)
    assert reasons == {None: 140, "conditions": 61, "fields": 39}


def paths(attributes: Mapping[str, object], prefix: str = "") -> set[str]:
    found = set[str]()
    for key, value in attributes.items():
        found |= paths(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}"}
    return found


def test_no_subject_of_the_vectors_lacks_what_its_type_declares() -> None:
    subjects = [(check.subject_type, check.subject) for case in ALL for check in case.checks if check.subject]
    rows = [(kind, row) for case in ALL for kind, of_kind in case.rows.items() for row in of_kind]
    for kind, attributes in [*subjects, *rows]:
        assert paths(attributes) == set(SCHEMA.subjects[kind])
