"""SQL filters without a database: the SQL that is written, and the rules that are refused."""

import pytest
from sqlalchemy import (
    CHAR,
    Column,
    Date,
    DateTime,
    Double,
    Enum,
    Integer,
    Numeric,
    String,
    Text,
    Time,
    Uuid,
    column,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from app.ability.ability import Ability
from app.ability.rules import Rule
from app.ability.sql_filter import MAX_NESTING, NotExpressible, allowed_values, sql_filter

# Times in forms in which no row has them: each would match nothing, and stand elsewhere in the order of text.
NOT_CANONICAL = (
    "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00+00:00",
    "2026-01-01T01:00:00+01:00", "2026-01-01 00:00:00Z", "0001-01-01T00:00:00+01:00", "soon", "",
)  # fmt: skip
CODE = {"code": column("code", Text())}


def can(*, fields: tuple[str, ...] | None = None, **conditions: object) -> Rule:
    return Rule(("read",), ("Language",), conditions, fields)


def cannot(*, fields: tuple[str, ...] | None = None, **conditions: object) -> Rule:
    return Rule(("read",), ("Language",), conditions, fields, inverted=True)


def sql_of(*rules: Rule) -> str:
    condition = sql_filter(Ability(rules), "read", "Language", CODE)
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    return str(condition.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def test_the_filter_is_false_if_nothing_is_allowed_and_true_if_everything_is() -> None:
    assert sql_of() == "false"
    assert sql_of(cannot()) == "false"
    assert sql_of(can(code={"$in": []})) == "false"
    assert sql_of(can()) == "true"
    assert sql_of(can(), can(code="de")) == "true"
    assert sql_of(can(), cannot(code={"$in": []})) == "true"
    assert sql_of(can(), cannot()) == "false"


def test_a_denial_is_negated_with_is_not_true_and_limits_only_the_grants_before_it() -> None:
    assert sql_of(can(), cannot(code="de")) == "(code = 'de') IS NOT true"
    assert sql_of(cannot(code="de"), can(code="da")) == "code = 'da'"
    assert (
        sql_of(can(code="a"), cannot(code="b"), can(code="c"))
        == "code = 'c' OR (code = 'b') IS NOT true AND code = 'a'"
    )


def test_grants_with_fields_count_and_denials_with_fields_do_not() -> None:
    assert sql_of(can(code="de", fields=("name",)), cannot(fields=("name",))) == "code = 'de'"


def test_a_value_that_the_column_cannot_contain_equals_no_row() -> None:
    assert sql_of(can(code=1)) == "false"
    assert sql_of(can(code={"$ne": 1})) == "true"
    assert sql_of(can(code={"$in": [1, True]})) == "false"
    assert sql_of(can(code="a\0b")) == "false"
    assert sql_of(can(code="\ud800")) == "false"


@pytest.mark.parametrize("column_type", [Integer(), Double(), Uuid(), Text()])
def test_a_boolean_equals_values_of_boolean_columns_only(column_type: TypeEngine[object]) -> None:
    columns = {"code": Column("code", column_type)}
    for conditions in ({"code": False}, {"code": {"$in": [True, False]}}):
        condition = sql_filter(Ability([can(**conditions)]), "read", "Language", columns)
        assert str(condition) == "false"


@pytest.mark.parametrize(
    ("conditions", "column_type", "message"),
    [
        ({"name": "x"}, Text(), "rule 0: conditions.name: no column is mapped"),
        ({"code": {"$all": ["x"]}}, Text(), r"rule 0: conditions.code.\$all: a column holds no list"),
        ({"code": {"$size": 1}}, postgresql.ARRAY(Text()), r"conditions.code.\$size: a column holds no list"),
        ({"code": "x"}, CHAR(3), r"not text, .* or enum; map cast\(column, Text\)"),
        ({"code": "x"}, postgresql.CITEXT(), r"not text, .* or enum; map cast\(column, Text\)"),
        ({"code": "x"}, String(collation="und-x-icu"), r"or column.collate\('C'\)"),
        ({"code": "x"}, postgresql.ARRAY(Text()), r"such as column.any\(value\)"),
        ({"code": "x"}, postgresql.JSONB(), r"such as column\['key'\].as_string\(\)"),
        ({"code": 1}, Numeric(10, 2), "asdecimal=False"),
        ({"code": "01:00:00"}, Time(), "map an expression of one of these types"),
        ({"code": {"$gt": "x"}}, Enum("x", name="mood"), "has no order with"),
        *[({"code": text}, DateTime(timezone=True), "equals no row") for text in NOT_CANONICAL],
        *[({"code": {"$in": [text]}}, DateTime(timezone=True), "equals no row") for text in NOT_CANONICAL],
        *[({"code": {"$lt": text}}, DateTime(timezone=True), "equals no row") for text in NOT_CANONICAL],
        ({"code": "2026-01-01T00:00:00Z"}, DateTime(), "is written as 2026-01-31T12:00:00$"),
        ({"code": {"$gt": "2026-01-01T00:00:00Z"}}, Date(), "is written as 2026-01-31$"),
        ({"code": {"$gt": 1}}, DateTime(timezone=True), "has no order with 1"),
        ({"code": {"$gt": "0190"}}, Uuid(), "has no order with"),
        ({"code": {"$gt": 1}}, Text(), "has no order with 1"),
        ({"code": {"$gt": "1"}}, Integer(), "has no order with '1'"),
        ({"code": {"$gt": "\uffee"}}, Text(), r"conditions.code.\$gt: Postgres orders this text otherwise"),
        ({"code": {"$lt": "a\0"}}, Text(), r"conditions.code.\$lt: Postgres orders this text otherwise"),
    ],
)
@pytest.mark.parametrize("inverted", [False, True])
def test_conditions_without_an_sql_equivalent_are_refused_in_grants_and_denials(
    conditions: dict[str, object],
    column_type: TypeEngine[object],
    message: str,
    inverted: bool,
) -> None:
    ability = Ability([Rule(("read",), ("Language",), conditions, inverted=inverted)])
    with pytest.raises(NotExpressible, match=message):
        sql_filter(ability, "read", "Language", {"code": Column("code", column_type)})


def test_too_many_changes_between_grants_and_denials_are_refused_and_1_000_grants_are_not() -> None:
    alternating = [can(code=str(i)) if i % 2 else cannot(code=str(i)) for i in range(MAX_NESTING)]
    assert sql_of(*alternating).count("IS NOT true") == MAX_NESTING // 2 - 1
    with pytest.raises(NotExpressible, match="merge the rules"):
        sql_of(*alternating, cannot(code="x"), can(code="y"))
    assert sql_of(*[can(code=str(i)) for i in range(1_000)]).count(" OR ") == 999


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], frozenset()),
        ([can()], None),
        ([can(code="a")], {"a"}),
        ([can(code={"$in": ["a", "b"]})], {"a", "b"}),
        ([can(code="a"), can(code={"$in": ["b"]})], {"a", "b"}),
        ([can(code={"$in": ["a", "b"]}), cannot(code="a")], {"b"}),
        ([cannot(code="a"), can(code={"$in": ["a", "b"]})], {"a", "b"}),
        ([can(), can(code="a")], None),
        ([can(code="a"), cannot(), can(code="b")], {"b"}),
        ([can(code="a"), cannot(fields=("name",))], {"a"}),
        ([can(code={"$in": [1, 2]})], {1, 2}),
    ],
)
def test_allowed_values_are_the_values_of_the_grants_without_those_of_later_denials(
    rules: list[Rule], expected: frozenset[object] | None
) -> None:
    assert allowed_values(Ability(rules), "read", "Language", "code") == expected


@pytest.mark.parametrize(
    "rules",
    [
        [can(name="x")],
        [can(code="a", name="x")],
        [can(code={"$ne": "a"})],
        [can(code={"$in": ["a"], "$ne": "b"})],
        [can(code=None)],
        [can(code=True)],
        [can(code={"$in": [None, "a"]})],
        [can(code={"$in": [True]})],
        [can(), cannot(code="a")],
        [can(code="a"), cannot(name="x")],
    ],
)
def test_allowed_values_refuses_conditions_that_are_not_a_list_of_values_of_the_attribute(rules: list[Rule]) -> None:
    with pytest.raises(NotExpressible):
        allowed_values(Ability(rules), "read", "Language", "code")


def test_allowed_values_returns_the_set_of_a_single_grant_without_copying() -> None:
    ability = Ability([can(code={"$in": ["a", "b"]})])
    assert allowed_values(ability, "read", "Language", "code") is allowed_values(ability, "read", "Language", "code")
