"""Properties of every ability, for random rules. `OSTIARY_LONG=1` tries 20,000 examples of each, otherwise 80."""

import json
import os
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from app.ability.ability import Ability, Decision, Subject
from app.ability.casl import export, from_casl
from app.ability.condition_parsing import parse_conditions
from app.ability.explain import explain
from app.ability.rules import Rule
from app.ability.sql_filter import NotExpressible, allowed_values

ACTIONS = ["read", "update", "delete"]
TYPES = ["Language", "User"]
FIELDS = ["name", "code", "org", "org.id"]

examples = settings(max_examples=20_000 if os.environ.get("OSTIARY_LONG") else 80, deadline=None)

scalars = st.sampled_from([None, True, False, 0, 1, 2, 0.5, "", "1", "a", "b", "\uffee", "\U0001f600"])
orderable = scalars.filter(lambda value: not isinstance(value, bool | None))
operators = st.fixed_dictionaries(
    {},
    optional={
        "$eq": scalars,
        "$ne": scalars,
        "$in": st.lists(scalars, max_size=4),
        "$nin": st.lists(scalars, max_size=4),
        "$all": st.lists(scalars, max_size=2),
        "$size": st.integers(0, 2),
        "$lt": orderable,
        "$lte": orderable,
        "$gt": orderable,
        "$gte": orderable,
        "$exists": st.booleans(),
    },
).filter(lambda found: 0 < len(found) <= 3)
conditions = st.none() | st.dictionaries(st.sampled_from(["code", "size", "org.id"]), scalars | operators, max_size=2)
values = scalars | st.lists(scalars, max_size=2)
attributes = st.fixed_dictionaries(
    {},
    optional={
        "code": values,
        "size": values,
        "org": st.none() | st.fixed_dictionaries({}, optional={"id": values}),
    },
)
rules = st.builds(
    Rule,
    actions=st.lists(st.sampled_from([*ACTIONS, "manage"]), min_size=1, max_size=2).map(tuple),
    subjects=st.lists(st.sampled_from([*TYPES, "all"]), min_size=1, max_size=2).map(tuple),
    conditions=conditions,
    fields=st.none() | st.lists(st.sampled_from([*FIELDS, "*", "org.*"]), min_size=1, max_size=2).map(tuple),
    inverted=st.booleans(),
    reason=st.none() | st.just("because"),
)
rule_lists = st.lists(rules, max_size=5)
subjects = st.builds(Subject, st.sampled_from(TYPES), attributes)
actions = st.sampled_from([*ACTIONS, "manage"])
fields = st.none() | st.sampled_from(FIELDS)


@examples
@given(rule_lists, actions, subjects, fields)
def test_exported_rules_decide_as_the_original_rules(
    written: list[Rule], action: str, subject: Subject, field: str | None
) -> None:
    ability = Ability(written)
    loaded = Ability(from_casl(json.loads(json.dumps(export(ability)))))
    assert loaded.decide(action, subject, field) == ability.decide(action, subject, field)
    assert loaded.decide_some(action, subject.type, field) == ability.decide_some(action, subject.type, field)


@examples
@given(rule_lists, actions, subjects, fields)
def test_an_explanation_agrees_with_the_decision(
    written: list[Rule], action: str, subject: Subject, field: str | None
) -> None:
    ability = Ability(written)
    explanation = explain(ability, action, subject, field)
    verdicts = [rule.verdict for rule in explanation.rules]
    assert explanation.decision == ability.decide(action, subject, field)
    deciding = [index for index, verdict in enumerate(verdicts) if verdict == "decides"]
    assert deciding == ([] if explanation.decision.rule is None else [explanation.decision.rule])
    assert "overruled" not in verdicts[deciding[0] if deciding else 0 :]
    assert all(bool(rule.failed) == (rule.verdict == "conditions") for rule in explanation.rules)


@examples
@given(rule_lists, actions, subjects, fields)
def test_can_every_implies_can_and_can_implies_can_some(
    written: list[Rule], action: str, subject: Subject, field: str | None
) -> None:
    ability = Ability(written)
    if ability.can_every(action, subject.type, field):
        assert ability.can(action, subject, field)
    if ability.can(action, subject, field):
        assert ability.can_some(action, subject.type, field)


@examples
@given(rule_lists, rules, actions, subjects, fields)
def test_the_last_rule_decides_if_and_only_if_it_applies(
    written: list[Rule], last: Rule, action: str, subject: Subject, field: str | None
) -> None:
    before = Ability(written).decide(action, subject, field)
    alone = Ability([last]).decide(action, subject, field)
    after = Ability([*written, last]).decide(action, subject, field)
    if alone.rule is None:
        assert after == before
    else:
        assert after == Decision(alone.allowed, len(written), alone.reason)


@examples
@given(st.sampled_from([("$eq", "$ne"), ("$in", "$nin")]), st.data(), attributes)
def test_ne_and_nin_are_the_negation_of_eq_and_in(
    pair: tuple[str, str], data: st.DataObject, subject_attributes: Mapping[str, object]
) -> None:
    value = data.draw(scalars if pair[0] == "$eq" else st.lists(scalars, max_size=4))
    for path in ("code", "org.id"):
        positive, negative = [parse_conditions({path: {operator: value}}) for operator in pair]
        assert positive is not None
        assert negative is not None
        assert positive.matches(subject_attributes) is not negative.matches(subject_attributes)


@examples
@given(st.lists(st.tuples(st.booleans(), st.none() | st.frozensets(st.sampled_from("abcd"))), max_size=5))
def test_allowed_values_are_the_values_that_can_allows(written: list[tuple[bool, frozenset[str] | None]]) -> None:
    ability = Ability(
        [
            Rule(
                ("read",),
                ("Language",),
                None if codes is None else {"code": {"$in": sorted(codes)}},
                None,
                inverted,
            )
            for inverted, codes in written
        ]
    )
    expected = {code for code in "abcde" if ability.can("read", Subject("Language", {"code": code}))}
    try:
        allowed = allowed_values(ability, "read", "Language", "code")
    except NotExpressible:
        assert "e" in expected
        return
    assert expected == (set("abcde") if allowed is None else allowed)
