"""The engine decides like @casl/ability 7.0.1 on its recorded decisions for random rules."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from app.ability.ability import Ability, Decision, Subject
from app.ability.casl import export, from_casl, unpack_rules
from app.ability.condition_parsing import InvalidRule
from app.ability.rules import Rule
from tests.support.casl_vectors import (
    PROFILES,
    SCHEMA,
    RecordedCase,
    RecordedCheck,
    expected_refusal,
    load_cases,
    with_null_guards,
)

ALL_CASES = [case for profile in PROFILES for case in load_cases(profile)]
RulesOfCase = Callable[[RecordedCase], tuple[Rule, ...]]


def exported(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules after an export to JSON and back."""
    return from_casl(json.loads(json.dumps(export(Ability(rules)))))


RULES: Mapping[str, RulesOfCase] = {
    "raw": lambda case: from_casl(case.rules),
    "packed": lambda case: unpack_rules(case.packed),
    "exported": lambda case: exported(from_casl(case.rules)),
}
RULES_FOR_SCHEMA: Mapping[str, RulesOfCase] = {
    "raw": lambda case: from_casl(case.rules),
    "guarded": with_null_guards,
    "exported": lambda case: exported(with_null_guards(case)),
}


def name(case: RecordedCase) -> str:
    return f"{case.profile}-{case.case}"


def decide(ability: Ability, check: RecordedCheck) -> Decision:
    if check.subject is None:
        return ability.decide_some(check.action, check.subject_type, check.field)
    return ability.decide(check.action, Subject(check.subject_type, check.subject), check.field)


def assert_decisions(ability: Ability, case: RecordedCase) -> None:
    expected = [Decision(check.allowed, check.relevant_rule_index, check.reason) for check in case.checks]
    assert [decide(ability, check) for check in case.checks] == expected, name(case)


def assert_allowed_rows(ability: Ability, case: RecordedCase) -> None:
    for query in case.queries:
        rows = case.rows[query.subject_type]
        allowed = [row["id"] for row in rows if ability.can(query.action, Subject(query.subject_type, row))]
        assert allowed == query.allowed_ids, name(case)


@pytest.mark.parametrize("form", RULES)
@pytest.mark.parametrize("profile", PROFILES)
def test_answer_rule_and_reason_are_those_of_casl(profile: str, form: str) -> None:
    for case in load_cases(profile):
        assert_decisions(Ability(RULES[form](case)), case)


@pytest.mark.parametrize("profile", PROFILES)
def test_can_allows_the_rows_that_casl_allows(profile: str) -> None:
    for case in load_cases(profile):
        assert_allowed_rows(Ability(from_casl(case.rules)), case)


@pytest.mark.parametrize("form", RULES_FOR_SCHEMA)
@pytest.mark.parametrize("profile", PROFILES)
def test_with_a_schema_rules_are_decided_as_in_casl_or_refused_for_the_expected_cause(profile: str, form: str) -> None:
    for case in load_cases(profile):
        rules = RULES_FOR_SCHEMA[form](case)
        refusal = expected_refusal(rules)
        if refusal is None:
            ability = Ability(rules, SCHEMA)
            assert_decisions(ability, case)
            assert_allowed_rows(ability, case)
        else:
            with pytest.raises(InvalidRule, match=f"^{re.escape(refusal)}"):
                Ability(rules, SCHEMA)


def test_the_schema_accepts_140_of_240_cases() -> None:
    refusals = [expected_refusal(with_null_guards(case)) for case in ALL_CASES]
    causes = Counter(found and found.split(": ")[1].split(".")[0] for found in refusals)
    assert causes == {None: 140, "conditions": 61, "fields": 39}


def paths(attributes: Mapping[str, object], prefix: str = "") -> set[str]:
    found = set[str]()
    for key, value in attributes.items():
        found |= paths(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}"}
    return found


def test_every_recorded_subject_has_the_attributes_that_its_type_declares() -> None:
    subjects = [(check.subject_type, check.subject) for case in ALL_CASES for check in case.checks if check.subject]
    rows = [(subject_type, row) for case in ALL_CASES for subject_type, rows in case.rows.items() for row in rows]
    for subject_type, attributes in [*subjects, *rows]:
        assert paths(attributes) == set(SCHEMA.subjects[subject_type])
