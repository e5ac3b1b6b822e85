"""Explanations: the verdict on each rule and the conditions that failed."""

import json

import msgspec
import pytest

from app.ability.ability import Ability, Decision, Subject
from app.ability.conditions import MissingAttribute
from app.ability.explain import FailedCondition, explain
from app.ability.rules import Rule, Schema

GERMAN = Subject("Language", {"code": "de", "speakers": 5})


def test_every_rule_has_a_verdict() -> None:
    ability = Ability(
        [
            Rule(("read",), ("Language",)),
            Rule(("read",), ("Language",), inverted=True, reason="Closed"),
            Rule(("read",), ("Language",), {"code": "da"}),
            Rule(("read",), ("User",)),
            Rule(("update",), ("Language",)),
            Rule(("read",), ("Language",), fields=("name",), inverted=True),
        ]
    )
    explanation = explain(ability, "read", GERMAN)
    assert explanation.decision == Decision(allowed=False, rule=1, reason="Closed")
    assert [rule.verdict for rule in explanation.rules] == [
        "overruled",
        "decides",
        "conditions",
        "subject",
        "action",
        "field",
    ]
    assert [rule.rule for rule in explanation.rules] == list(ability.rules)


def test_failed_conditions_have_the_expected_and_the_actual_value() -> None:
    ability = Ability(
        [
            Rule(
                ("read",),
                ("Language",),
                {"code": {"$in": ["da"]}, "speakers": {"$lt": 9, "$gt": 7}, "org.id": 1},
            )
        ]
    )
    (explained,) = explain(ability, "read", GERMAN).rules
    assert explained.failed == (
        FailedCondition("code", "$in", ("da",), "de"),
        FailedCondition("speakers", "$gt", 7, 5),
        FailedCondition("org.id", "$eq", 1),
    )


def test_failed_conditions_on_lists_have_the_values_or_the_size_and_the_actual_list() -> None:
    ability = Ability([Rule(("read",), ("Language",), {"tags": {"$all": ["a", "b"], "$size": 3}})])
    (explained,) = explain(ability, "read", Subject("Language", {"tags": ["a", "c"]})).rules
    assert explained.failed == (
        FailedCondition("tags", "$all", ("a", "b"), ["a", "c"]),
        FailedCondition("tags", "$size", 3, ["a", "c"]),
    )


def test_if_no_rule_applies_no_rule_decides() -> None:
    explanation = explain(Ability([Rule(("update",), ("Language",))]), "read", GERMAN)
    assert explanation.decision == Decision(allowed=False)
    assert [rule.verdict for rule in explanation.rules] == ["action"]


def test_an_explanation_can_be_encoded_as_json() -> None:
    ability = Ability([Rule(("read",), ("Language",), {"code": "da", "org": 1})])
    document = json.loads(msgspec.json.encode(explain(ability, "read", GERMAN)))
    assert document["rules"][0]["failed"] == [
        {"path": "code", "operator": "$eq", "expected": "da", "actual": "de"},
        {"path": "org", "operator": "$eq", "expected": 1},
    ]


def test_a_missing_attribute_raises_only_if_the_decision_reads_it() -> None:
    schema = Schema(frozenset({"read"}), {"Language": {"code": "string"}})
    conditional, unconditional = (
        Rule(("read",), ("Language",), {"code": "da"}),
        Rule(("read",), ("Language",)),
    )
    without_code = Subject("Language", {})
    explanation = explain(Ability([conditional, unconditional], schema), "read", without_code)
    assert [rule.verdict for rule in explanation.rules] == ["conditions", "decides"]
    with pytest.raises(MissingAttribute):
        explain(Ability([unconditional, conditional], schema), "read", without_code)


def test_for_a_type_a_denial_with_conditions_is_skipped_and_a_grant_with_conditions_decides() -> None:
    ability = Ability(
        [
            Rule(("read",), ("Language",)),
            Rule(("read",), ("Language",), {"code": "da"}),
            Rule(("read",), ("Language",), {"code": "de"}, inverted=True, reason="Closed"),
            Rule(("update",), ("Language",), {"code": "de"}),
        ]
    )
    explanation = explain(ability, "read", "Language")
    assert explanation.decision == ability.decide_some("read", "Language") == Decision(allowed=True, rule=1)
    assert [(rule.verdict, rule.failed) for rule in explanation.rules] == [
        ("overruled", ()),
        ("decides", ()),
        ("conditions", ()),
        ("action", ()),
    ]
