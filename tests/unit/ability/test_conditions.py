"""Conditions: which are refused, and which attributes meet them."""

import enum
import timeit
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from app.ability.ability import Ability, Subject
from app.ability.condition_parsing import InvalidRule, parse_conditions
from app.ability.rules import Rule

ID = UUID("0190a8c4-0000-7000-8000-0000000000aa")


class State(enum.Enum):
    DRAFT = "draft"


def matches(conditions: Mapping[str, object], attributes: Mapping[str, object]) -> bool:
    parsed = parse_conditions(conditions)
    assert parsed is not None
    return parsed.matches(attributes)


@pytest.mark.parametrize("nothing", [None, {}])
def test_empty_conditions_are_parsed_to_none(nothing: object) -> None:
    assert parse_conditions(nothing) is None


@pytest.mark.parametrize(
    ("conditions", "part"),
    [
        ({"$or": [{"a": 1}]}, r"conditions\.\$or: the path segment .* is forbidden: write several rules"),
        ({"$nor": [{"a": 1}]}, r"conditions\.\$nor: .*: write several rules, and a denial"),
        ({"$and": [{"a": 1}]}, r"conditions\.\$and: .*: write all conditions in one object"),
        ({"a": {"$not": 1}}, r"conditions\.a\.\$not: unknown operator: write several rules, and a denial"),
        ({"a": {"$regex": "a+"}}, r"conditions\.a\.\$regex: unknown operator: list the values with \$in"),
        ({"a": {"$elemMatch": {"b": 1}}}, r"conditions\.a\.\$elemMatch: unknown operator: write a dotted path"),
        ({"a": {"$eq": 1, "$foo": 1}}, r"conditions\.a\.\$foo: unknown operator"),
        ({"a": {"b": 1}}, r"conditions\.a\.b: unknown operator"),
        ({"a": {}}, r"conditions\.a: an object without operators"),
        ({"a": [1, 2]}, r"conditions\.a\.\$eq: an object or a list"),
        ({"a": {"$eq": {"b": 1}}}, r"conditions\.a\.\$eq: an object or a list"),
        ({"a": {"$in": [[1]]}}, r"conditions\.a\.\$in: an object or a list"),
        ({"a": {"$in": 1}}, r"conditions\.a\.\$in: a list is expected"),
        ({"a": {"$nin": "ab"}}, r"conditions\.a\.\$nin: a list is expected"),
        ({"a": {"$all": 1}}, r"conditions\.a\.\$all: a list is expected"),
        ({"a": {"$all": [{"b": 1}]}}, r"conditions\.a\.\$all: an object or a list"),
        *[
            ({"a": {"$size": size}}, r"conditions\.a\.\$size: a number of entries is expected")
            for size in (-1, 1.0, True, "1", None, [1], 2**53)
        ],
        ({"a": {"$exists": 1}}, r"conditions\.a\.\$exists: true or false"),
        ({"a": {"$lt": None}}, r"conditions\.a\.\$lt: only text and numbers"),
        ({"a": {"$gte": True}}, r"conditions\.a\.\$gte: only text and numbers"),
        ({"a": {"$lt": [1]}}, r"conditions\.a\.\$lt: an object or a list"),
        ({"a": float("nan")}, r"conditions\.a\.\$eq: nan is not a JSON number"),
        ({"a": {"$in": [float("inf")]}}, r"conditions\.a\.\$in: inf is not a JSON number"),
        ({"a": 2**53}, r"conditions\.a\.\$eq: .* loses digits in a browser"),
        ({"a": object()}, r"conditions\.a\.\$eq: "),
        ({"__proto__": 1}, "'__proto__' is forbidden"),
        ({"a.constructor.b": 1}, "'constructor' is forbidden"),
        ({"toString": 1}, "'toString' is forbidden"),
        ({"__itself__": 1}, "'__itself__' is forbidden"),
        ({"a..b": 1}, "'' is forbidden"),
        ({"": 1}, "'' is forbidden"),
        ({1: 1}, "a path is text"),
        ("a", "an object is expected"),
    ],
)
def test_malformed_conditions_are_refused_with_the_part(conditions: object, part: str) -> None:
    with pytest.raises(InvalidRule, match=part):
        parse_conditions(conditions)


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        (0, False, False),
        (False, 0, False),
        (0, -0.0, True),
        ("1", 1, False),
        (1, "1", False),
        ("a", "a", True),
        ("a", "A", False),
        ("é", "e\u0301", False),
        ("", None, False),
        (0, None, False),
    ],
)
def test_equality_is_type_strict_in_every_operator(expected: object, actual: object, equal: bool) -> None:
    attributes = {"a": actual}
    assert matches({"a": expected}, attributes) is equal
    assert matches({"a": {"$eq": expected}}, attributes) is equal
    assert matches({"a": {"$ne": expected}}, attributes) is not equal
    assert matches({"a": {"$in": [expected]}}, attributes) is equal
    assert matches({"a": {"$in": ["other", expected]}}, attributes) is equal
    assert matches({"a": {"$nin": [expected]}}, attributes) is not equal


def test_in_tells_0_from_false_and_1_from_true() -> None:
    assert matches({"a": {"$in": [0, True]}}, {"a": True})
    assert matches({"a": {"$in": [0, True]}}, {"a": 0})
    assert not matches({"a": {"$in": [0, True]}}, {"a": 1})
    assert not matches({"a": {"$in": [0, True]}}, {"a": False})


@pytest.mark.parametrize(
    ("condition", "of_null", "of_missing"),
    [
        (None, True, True),
        ({"$eq": None}, True, True),
        ({"$ne": None}, False, False),
        ({"$eq": 1}, False, False),
        ({"$ne": 1}, True, True),
        ({"$in": [None]}, True, False),
        ({"$in": [1]}, False, False),
        ({"$in": []}, False, False),
        ({"$nin": [None]}, False, True),
        ({"$nin": [1]}, True, True),
        ({"$nin": []}, True, True),
        ({"$exists": True}, True, False),
        ({"$exists": False}, False, True),
        ({"$lt": 5}, True, True),
        ({"$lte": 0}, True, True),
        ({"$lt": -1}, False, True),
        ({"$gt": -1}, True, False),
        ({"$gte": 0}, False, False),
        ({"$lt": "a"}, True, True),
        ({"$gt": "a"}, False, False),
        ({"$exists": True, "$ne": None, "$lt": 5}, False, False),
    ],
)
def test_null_and_missing_attributes_are_compared_as_in_casl_7(
    condition: object, of_null: bool, of_missing: bool
) -> None:
    assert matches({"a": condition}, {"a": None}) is of_null
    assert matches({"a": condition}, {}) is of_missing


def test_a_dotted_path_reads_nested_objects_and_never_a_key_with_a_dot() -> None:
    assert matches({"org.region.code": "eu"}, {"org": {"region": {"code": "eu"}}})
    assert not matches({"org.region.code": "eu"}, {"org.region.code": "eu"})
    assert not matches({"org.region.code": "eu"}, {"org": {"region.code": "eu"}})


@pytest.mark.parametrize("parent", [{}, {"org": None}, {"org": 1}])
def test_an_attribute_of_a_missing_parent_neither_exists_nor_is_null(parent: Mapping[str, object]) -> None:
    assert matches({"org.id": {"$exists": False}}, parent)
    assert not matches({"org.id": None}, parent)
    assert matches({"org.id": {"$ne": None}}, parent)


@pytest.mark.parametrize(
    ("condition", "actual", "expected"),
    [
        ({"$lt": 5}, 4.5, True),
        ({"$lt": 5}, 5, False),
        ({"$lte": 5}, 5.0, True),
        ({"$gt": "B"}, "a", True),
        ({"$gt": "\uffee"}, "\U0001f600", False),
        ({"$lt": "\uffee"}, "\U0001f600", True),
        ({"$lt": "\U0001f600"}, "\U0001f601", False),
        ({"$lt": 9}, "10", False),
        ({"$gt": 9}, "10", True),
        ({"$gt": 9}, " 0x1f ", True),
        ({"$gt": 9}, "Infinity", True),
        ({"$lt": 9}, "many", True),
        ({"$gte": 0}, "", False),
        ({"$lte": 1}, True, True),
        ({"$gte": 1}, True, False),
        ({"$lt": 9}, {}, True),
        ({"$lt": "a"}, {}, True),
    ],
)
def test_values_are_ordered_as_in_javascript(condition: object, actual: object, expected: bool) -> None:
    assert matches({"a": condition}, {"a": actual}) is expected


@pytest.mark.parametrize(
    ("conditions", "attributes", "expected"),
    [
        ({"a": 1}, {"a": [1, 2]}, True),
        ({"a": {"$ne": 1}}, {"a": [1, 2]}, False),
        ({"a": {"$in": [2, 3]}}, {"a": [1, 2]}, True),
        ({"a": {"$nin": [2, 3]}}, {"a": [1, 2]}, False),
        ({"a": {"$nin": [3]}}, {"a": [1, 2]}, True),
        ({"a": {"$gt": 1}}, {"a": [1, 2]}, True),
        ({"a": {"$gt": 1}}, {"a": []}, False),
        ({"a": {"$lt": 1}}, {"a": []}, False),
        ({"a": {"$ne": 1}}, {"a": []}, True),
        ({"a": None}, {"a": [None]}, True),
        ({"a": None}, {"a": []}, False),
        ({"a": {"$exists": True}}, {"a": []}, True),
        ({"a": {"$in": [1]}}, {"a": [[1], {}]}, False),
        ({"a.b": 2}, {"a": [{"b": 1}, {"b": 2}]}, True),
        ({"a.b": 2}, {"a": [{"b": [1, 2]}]}, True),
        ({"a.b": 2}, {"a": [{"c": 1}, 5]}, False),
        ({"a.b": None}, {"a": [{"b": 1}, {}]}, True),
        ({"a.b": {"$exists": True}}, {"a": [{"b": 1}, {}]}, True),
        ({"a": {"$all": [1, 2]}}, {"a": [2, 3, 1]}, True),
        ({"a": {"$all": [1, 2]}}, {"a": (2, 1)}, True),
        ({"a": {"$all": [1, 2]}}, {"a": [1]}, False),
        ({"a": {"$all": [1]}}, {"a": 1}, False),
        ({"a": {"$all": [1]}}, {"a": [True]}, False),
        ({"a": {"$all": [True]}}, {"a": [1]}, False),
        ({"a": {"$all": [None]}}, {"a": [None]}, True),
        ({"a": {"$all": []}}, {"a": []}, True),
        ({"a": {"$all": []}}, {"a": None}, False),
        ({"a.b": {"$all": [1, 2]}}, {"a": [{"b": 1}, {"b": 2}]}, True),
        ({"a": {"$size": 2}}, {"a": [1, 1]}, True),
        ({"a": {"$size": 2}}, {"a": (1, 1)}, True),
        ({"a": {"$size": 2}}, {"a": [1]}, False),
        ({"a": {"$size": 2}}, {"a": "ab"}, False),
        ({"a": {"$size": 0}}, {"a": []}, True),
        ({"a": {"$size": 0}}, {}, False),
        ({"a.b": {"$size": 1}}, {"a": [{"b": [1]}, {"b": [1, 2]}]}, True),
        ({"a.0": 1}, {"a": [1, 2]}, True),
        ({"a.1.b": 2}, {"a": [{"b": 1}, {"b": 2}]}, True),
        ({"a.2": {"$exists": False}}, {"a": [1, 2]}, True),
        ({"a.00": 1}, {"a": [1, 2]}, False),
    ],
)
def test_list_attributes_are_compared_as_in_casl_7(
    conditions: Mapping[str, object],
    attributes: Mapping[str, object],
    expected: bool,
) -> None:
    assert matches(conditions, attributes) is expected


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (ID, str(ID)),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (State.DRAFT, "draft"),
        (Decimal("1.50"), "1.50"),
    ],
)
def test_python_values_are_compared_in_their_json_form(value: object, json: str) -> None:
    assert matches({"a": value}, {"a": json})
    assert matches({"a": json}, {"a": value})
    assert matches({"a": {"$in": [value]}}, {"a": value})
    assert matches({"a.b": {"$in": [json]}}, {"a": {"b": (value,)}})
    assert matches({"a": {"$lte": json}}, {"a": value})


def test_every_condition_must_be_met() -> None:
    conditions = {"a": {"$gt": 1, "$lt": 5}, "b": "x"}
    assert matches(conditions, {"a": 2, "b": "x"})
    assert not matches(conditions, {"a": 5, "b": "x"})
    assert not matches(conditions, {"a": 2, "b": "y"})


def seconds_per_decision(members: int) -> float:
    codes = [f"code-{index}" for index in range(members)]
    ability = Ability([Rule(("read",), ("Language",), {"code": {"$in": codes}})])
    listed, unlisted = Subject("Language", {"code": codes[-1]}), Subject("Language", {"code": "none"})
    assert ability.can("read", listed)
    assert not ability.can("read", unlisted)
    timer = timeit.Timer(lambda: (ability.can("read", listed), ability.can("read", unlisted)))
    return min(timer.repeat(repeat=20, number=50))


def test_a_list_of_100_000_ids_does_not_make_a_decision_slower() -> None:
    assert seconds_per_decision(100_000) < 20 * seconds_per_decision(3)
