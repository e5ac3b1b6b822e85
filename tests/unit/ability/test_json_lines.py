"""Deciding for rules that come as JSON lines."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ability.json_lines import answer

VECTORS = Path(__file__).parents[2] / "vectors"
READ = {"action": "read", "subject": "Language"}
ASK = {"action": "read", "subjectType": "Language"}


def asked(line: object) -> dict[str, object]:
    result = json.loads(answer(json.dumps(line).encode()))
    assert isinstance(result, dict)
    return result


def decision(rules: list[object], **check: object) -> object:
    decisions = asked({"rules": rules, "checks": [{**ASK, **check}]})["decisions"]
    assert isinstance(decisions, list)
    return decisions[0]


@pytest.mark.parametrize("profile", ["core", "null"])
@pytest.mark.parametrize("form", ["rules", "packed"])
def test_lines_of_raw_and_of_packed_rules_get_casls_answers(profile: str, form: str) -> None:
    for line in (VECTORS / f"casl7-{profile}.jsonl").read_text().splitlines():
        case = json.loads(line)
        assert asked({**case, "rules": case[form]}) == {
            "decisions": [
                {"allowed": check["allowed"], "rule": check["relevantRuleIndex"], "reason": check["reason"]}
                for check in case["checks"]
            ]
        }


def test_a_check_without_a_subject_is_about_the_type() -> None:
    rules: list[object] = [{**READ, "conditions": {"code": "de"}}]
    granted, refused = {"allowed": True, "rule": 0, "reason": None}, {"allowed": False, "rule": None, "reason": None}
    assert decision(rules) == granted
    assert decision(rules, subject=None) == granted
    assert decision(rules, subject={"code": "de"}) == granted
    assert decision(rules, subject={}) == refused


def test_no_names_are_unknown() -> None:
    rules: list[object] = [{"action": "paint", "subject": "Fence", "conditions": {"side.colour": "white"}}]
    answered = decision(rules, action="paint", subjectType="Fence", subject={"side": {"colour": "white"}})
    assert answered == {"allowed": True, "rule": 0, "reason": None}


def test_an_empty_field_is_none_as_in_casl() -> None:
    rules: list[object] = [{**READ, "fields": ["name"]}]
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
def test_a_line_that_is_no_valid_case_gets_an_error_and_no_decision(line: bytes) -> None:
    result = json.loads(answer(line))
    assert list(result) == ["error"]
    assert result["error"]


def test_a_faulty_rule_is_named_by_its_index() -> None:
    result = asked({"rules": [READ, {**READ, "conditions": {"a": {"$foo": 1}}}], "checks": []})
    assert result == {"error": "rule 1: conditions.a.$foo: unknown operator"}


WORDS = st.sampled_from(["", "read", "X", "a.b", "0", "$eq", "$in", "$lt", "$exists", "manage", "all"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
NEARLY_RULES = st.lists(
    st.fixed_dictionaries(
        {"action": WORDS, "subject": WORDS}, optional={"conditions": st.dictionaries(WORDS, JSON), "inverted": JSON}
    )
    | JSON,
    max_size=3,
)
NEARLY_CHECKS = st.lists(
    st.fixed_dictionaries(
        {"action": WORDS, "subjectType": WORDS}, optional={"subject": st.dictionaries(WORDS, JSON), "field": WORDS}
    ),
    max_size=3,
)


@given(st.binary() | st.builds(lambda rules, checks: json.dumps({"rules": rules, "checks": checks}).encode(),
                               NEARLY_RULES, NEARLY_CHECKS))  # fmt: skip
def test_every_line_gets_one_line_of_json(line: bytes) -> None:
    result = answer(line)
    assert b"\n" not in result
    assert json.loads(result).keys() in ({"decisions"}, {"error"})
