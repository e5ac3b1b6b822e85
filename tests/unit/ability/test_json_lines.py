"""Decisions on JSON lines."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ability.json_lines import decide_line

VECTORS = Path(__file__).parents[2] / "vectors"
READ_RULE = {"action": "read", "subject": "Language"}
READ_CHECK = {"action": "read", "subjectType": "Language"}


def response(line: object) -> dict[str, object]:
    result = json.loads(decide_line(json.dumps(line).encode()))
    assert isinstance(result, dict)
    return result


def decision(rules: list[object], **check: object) -> object:
    decisions = response({"rules": rules, "checks": [{**READ_CHECK, **check}]})["decisions"]
    assert isinstance(decisions, list)
    return decisions[0]


@pytest.mark.parametrize("profile", ["core", "null"])
@pytest.mark.parametrize("form", ["rules", "packed"])
def test_raw_and_packed_rules_are_decided_as_in_casl(profile: str, form: str) -> None:
    for line in (VECTORS / f"casl7-{profile}.jsonl").read_text().splitlines():
        case = json.loads(line)
        assert response({**case, "rules": case[form]}) == {
            "decisions": [
                {"allowed": check["allowed"], "rule": check["relevantRuleIndex"], "reason": check["reason"]}
                for check in case["checks"]
            ]
        }


def test_a_check_without_a_subject_is_about_the_type() -> None:
    rules: list[object] = [{**READ_RULE, "conditions": {"code": "de"}}]
    allowed = {"allowed": True, "rule": 0, "reason": None}
    not_allowed = {"allowed": False, "rule": None, "reason": None}
    assert decision(rules) == allowed
    assert decision(rules, subject=None) == allowed
    assert decision(rules, subject={"code": "de"}) == allowed
    assert decision(rules, subject={}) == not_allowed


def test_any_action_type_and_attribute_is_allowed() -> None:
    rules: list[object] = [{"action": "paint", "subject": "Fence", "conditions": {"side.colour": "white"}}]
    decided = decision(rules, action="paint", subjectType="Fence", subject={"side": {"colour": "white"}})
    assert decided == {"allowed": True, "rule": 0, "reason": None}


def test_an_empty_field_means_no_field_as_in_casl() -> None:
    rules: list[object] = [{**READ_RULE, "fields": ["name"]}]
    assert decision(rules, field="") == decision(rules, field=None) == {"allowed": True, "rule": 0, "reason": None}
    assert decision(rules, field="code") == {"allowed": False, "rule": None, "reason": None}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nope",
        b"\xff",
        b"[]",
        b"{}",
        b'{"rules": []}',
        b'{"rules": {}, "checks": []}',
        b'{"rules": [1], "checks": []}',
        b'{"rules": [["read", "Language"], {"action": "read", "subject": "Language"}], "checks": []}',
        b'{"rules": [{"action": "read"}], "checks": []}',
        b'{"rules": [{"action": "read", "subject": "Language", "condition": {}}], "checks": []}',
        b'{"rules": [{"action": "read", "subject": "X", "conditions": {"a": {"$where": "1"}}}], "checks": []}',
        b'{"rules": [{"action": "read", "subject": "X", "conditions": {"__proto__": 1}}], "checks": []}',
        b'{"rules": [], "checks": [{"action": "read"}]}',
        b'{"rules": [], "checks": [{"action": "read", "subjectType": "X", "subject": "Y"}]}',
        b'{"rules": [], "checks": [{"action": "read", "subjectType": "X", "field": 1}]}',
        b'{"rules": ' + b"[" * 100_000 + b"]" * 100_000 + b', "checks": []}',
    ],
)
def test_an_invalid_line_gets_an_error_and_no_decision(line: bytes) -> None:
    result = json.loads(decide_line(line))
    assert list(result) == ["error"]
    assert result["error"]


def test_the_error_names_the_index_of_the_invalid_rule() -> None:
    result = response({"rules": [READ_RULE, {**READ_RULE, "conditions": {"a": {"$foo": 1}}}], "checks": []})
    assert result == {"error": "rule 1: conditions.a.$foo: unknown operator"}


WORDS = st.sampled_from(["", "read", "X", "a.b", "0", "$eq", "$in", "$lt", "$exists", "manage", "all"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
ALMOST_RULES = st.lists(
    st.fixed_dictionaries(
        {"action": WORDS, "subject": WORDS}, optional={"conditions": st.dictionaries(WORDS, JSON), "inverted": JSON}
    )
    | JSON,
    max_size=3,
)
ALMOST_CHECKS = st.lists(
    st.fixed_dictionaries(
        {"action": WORDS, "subjectType": WORDS}, optional={"subject": st.dictionaries(WORDS, JSON), "field": WORDS}
    ),
    max_size=3,
)


@given(st.binary() | st.builds(lambda rules, checks: json.dumps({"rules": rules, "checks": checks}).encode(),
                               ALMOST_RULES, ALMOST_CHECKS))  # fmt: skip
def test_any_line_gets_one_line_of_json(line: bytes) -> None:
    result = decide_line(line)
    assert b"\n" not in result
    assert json.loads(result).keys() in ({"decisions"}, {"error"})
