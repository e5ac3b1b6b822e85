"""CASL's raw and packed rules: reading and exporting."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.ability.ability import Ability
from app.ability.casl import export, from_casl, unpack_rules
from app.ability.condition_parsing import InvalidRule
from app.ability.rules import Rule


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"action": "read"}, "Expected `array`"),
        ([{"action": "read"}], "missing required field `subject`"),
        ([{"subject": "Language"}], "missing required field `action`"),
        ([{"action": "read", "subject": None}], "subject"),
        ([{"action": "read", "subject": "Language", "field": ["name"]}], "unknown field `field`"),
        ([{"action": ["read", 1], "subject": "Language"}], "action"),
        ([{"action": "read", "subject": "Language", "conditions": []}], "conditions"),
        ([{"action": "read", "subject": "Language", "reason": 1}], "reason"),
    ],
)
def test_a_malformed_raw_rule_is_refused(raw: object, message: str) -> None:
    with pytest.raises(InvalidRule, match=message):
        from_casl(raw)


# What a column of a database may hold in place of a part of a rule, and the rule that CASL takes it for.
NONE = Rule(("read",), ("Language",))
DENIAL = Rule(("read",), ("Language",), inverted=True)
COLUMNS: list[tuple[dict[str, object], Rule]] = [
    ({"inverted": None}, NONE),
    ({"inverted": ""}, NONE),
    ({"inverted": 0}, NONE),
    ({"inverted": False}, NONE),
    ({"inverted": 1}, DENIAL),
    ({"inverted": True}, DENIAL),
    ({"fields": None}, NONE),
    ({"fields": ""}, NONE),
    ({"conditions": None}, NONE),
    ({"conditions": ""}, NONE),
    ({"reason": None}, NONE),
    ({"reason": ""}, NONE),
    ({"conditions": "", "fields": "", "inverted": 1, "reason": ""}, DENIAL),
]


@pytest.mark.parametrize(("column", "rule"), COLUMNS)
def test_a_column_of_a_database_means_what_casl_takes_it_for(column: dict[str, object], rule: Rule) -> None:
    assert from_casl([{"action": "read", "subject": "Language", **column}]) == (rule,)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"inverted": 2}, "inverted is true, false, 1 or 0"),
        ({"inverted": "0"}, "inverted is true, false, 1 or 0"),
        ({"inverted": "1"}, "inverted is true, false, 1 or 0"),
        ({"inverted": "false"}, "inverted is true, false, 1 or 0"),
        ({"inverted": 0.5}, "inverted"),
        ({"conditions": "{}"}, "decode JSON"),
        ({"conditions": '{"code": "de"}'}, "decode JSON"),
        ({"conditions": 0}, "conditions"),
        ({"fields": '["name"]'}, "decode JSON"),
        ({"fields": 0}, "fields"),
        ({"fields": ' ["name"]'}, "decode JSON"),
        ({"fields": '\n"name"'}, "decode JSON"),
        ({"fields": '"name"'}, "decode JSON"),
        ({"fields": ["title", '"name"']}, "decode JSON"),
        ({"action": ' ["read"]'}, "decode JSON"),
        ({"subject": '"Language"'}, "decode JSON"),
        ({"action": '["read"]'}, "decode JSON"),
        ({"subject": '["Language"]'}, "decode JSON"),
        ({"subject": None}, "subject"),
        ({"reason": 0}, "reason"),
    ],
)
def test_a_column_whose_meaning_is_not_certain_is_refused(column: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidRule, match=message):
        from_casl([{"action": "read", "subject": "Language", **column}])


@pytest.mark.parametrize("empty", [{"subject": ""}, {"subject": []}, {"action": ""}, {"action": []}, {"fields": []}])
def test_a_raw_rule_with_an_empty_name_is_refused_and_never_taken_for_all(empty: dict[str, object]) -> None:
    with pytest.raises(InvalidRule, match="rule 0"):
        Ability(from_casl([{"action": "read", "subject": "Language", **empty}]))


def test_names_in_a_raw_rule_are_text_or_a_list() -> None:
    assert from_casl([{"action": "read", "subject": ["A", "B"], "fields": "name"}]) == (
        Rule(("read",), ("A", "B"), fields=("name",)),
    )


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        ({}, "a list is expected"),
        (["read,Language"], "two to six entries"),
        ([["read"]], "two to six entries"),
        ([["read", "Language", 0, 0, 0, "why", "more"]], "two to six entries"),
        ([["read", None]], "action and subject are text"),
        ([[["read"], "Language"]], "action and subject are text"),
        ([["read", "Language", "x"]], "conditions are"),
        ([["read", "Language", 0, 2]], "inverted is 0 or 1"),
        ([["read", "Language", 0, "1"]], "inverted is 0 or 1"),
        ([["read", "Language", 0, 0, ["name"]]], "fields are text"),
        ([["read", "Language", 0, 0, 0, 5]], "reason"),
    ],
)
def test_a_malformed_packed_rule_is_refused(packed: object, message: str) -> None:
    with pytest.raises(InvalidRule, match=message):
        unpack_rules(packed)


def test_a_packed_rule_with_an_empty_subject_is_refused_and_never_taken_for_all() -> None:
    with pytest.raises(InvalidRule, match="rule 0: subjects"):
        Ability(unpack_rules([["read", ""]]))


def test_packed_rules_are_unpacked_to_rules() -> None:
    packed = [
        ["read", "Post"],
        ["read", "Post", None, None, None],
        ["read", "Post", {"a": 1}, 0, 0, "why"],
        ["read,update", "Post,User", {"a": 1}, 1, "x,y", "why"],
    ]
    assert unpack_rules(packed) == (
        Rule(("read",), ("Post",)),
        Rule(("read",), ("Post",)),
        Rule(("read",), ("Post",), {"a": 1}, reason="why"),
        Rule(("read", "update"), ("Post", "User"), {"a": 1}, ("x", "y"), inverted=True, reason="why"),
    )


def test_the_export_has_json_values_only() -> None:
    user_id = UUID("0190a8c4-0000-7000-8000-0000000000aa")
    rules = [
        Rule(("read",), ("User",), {"id": user_id, "at": {"$gte": datetime(2026, 1, 1, tzinfo=UTC)}}),
        Rule(("read",), ("User",), {"id": {"$in": (user_id,), "$ne": None}}, inverted=True),
    ]
    exported = export(Ability(rules))
    assert json.loads(json.dumps(exported)) == exported
    assert exported == [
        {
            "action": ["read"],
            "subject": ["User"],
            "conditions": {"id": str(user_id), "at": {"$gte": "2026-01-01T00:00:00Z"}},
        },
        {
            "action": ["read"],
            "subject": ["User"],
            "conditions": {"id": {"$in": [str(user_id)], "$ne": None}},
            "inverted": True,
        },
    ]


def test_the_export_has_no_empty_conditions_because_casl_6_treats_them_as_a_condition() -> None:
    assert export(Ability([Rule(("read",), ("User",), {}, inverted=True)])) == [
        {"action": ["read"], "subject": ["User"], "inverted": True}
    ]
