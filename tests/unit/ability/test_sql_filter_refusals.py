import pytest
from sqlalchemy import (
    CHAR,
    Column,
    DateTime,
    Double,
    Enum,
    Integer,
    Numeric,
    String,
    Text,
    Uuid,
    column,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from app.ability.ability import Ability
from app.ability.rules import Rule
from app.ability.sql_filter import MAX_LEVELS, NotExpressible, allowed_values, sql_filter

CODE = {"code": column("code", Text())}


def can(*, fields: tuple[str, ...] | None = None, **conditions: object) -> Rule:
    return Rule(("read",), ("Language",), conditions, fields)


def cannot(*, fields: tuple[str, ...] | None = None, **conditions: object) -> Rule:
    return Rule(("read",), ("Language",), conditions, fields, inverted=True)


def where_of(*rules: Rule) -> str:
    condition = sql_filter(Ability(rules), "read", "Language", CODE)
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    return str(condition.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def test_nothing_allowed_selects_nothing_and_everything_allowed_selects_all() -> None:
    assert where_of() == "false"
    assert where_of(cannot()) == "false"
    assert where_of(can(code={"$in": []})) == "false"
    assert where_of(can()) == "true"
    assert where_of(can(), can(code="de")) == "true"
    assert where_of(can(), cannot(code={"$in": []})) == "true"
    assert where_of(can(), cannot()) == "false"


def test_denials_are_negated_as_is_not_true_within_the_grants_below_them_only() -> None:
    assert where_of(can(), cannot(code="de")) == "(code = 'de') IS NOT true"
    assert where_of(cannot(code="de"), can(code="da")) == "code = 'da'"
    assert (
        where_of(can(code="a"), cannot(code="b"), can(code="c"))
        == "code = 'c' OR (code = 'b') IS NOT true AND code = 'a'"
    )


def test_field_bound_grants_count_and_field_bound_denials_do_not() -> None:
    assert where_of(can(code="de", fields=("name",)), cannot(fields=("name",))) == "code = 'de'"


def test_a_value_that_the_column_cannot_hold_equals_nothing() -> None:
    assert where_of(can(code=1)) == "false"
    assert where_of(can(code={"$ne": 1})) == "true"
    assert where_of(can(code={"$in": [1, True]})) == "false"
    assert where_of(can(code="a\0b")) == "false"
    assert where_of(can(code="\ud800")) == "false"


@pytest.mark.parametrize("kind", [Integer(), Double(), Uuid(), Text()])
def test_a_boolean_equals_only_what_a_boolean_column_holds(kind: TypeEngine[object]) -> None:
    columns = {"code": Column("code", kind)}
    for conditions in ({"code": False}, {"code": {"$in": [True, False]}}):
        condition = sql_filter(Ability([can(**conditions)]), "read", "Language", columns)
        assert str(condition) == "false"


@pytest.mark.parametrize(
    ("conditions", "kind", "message"),
    [
        ({"name": "x"}, Text(), "rule 0: conditions.name: no column is mapped"),
        ({"code": "x"}, Enum("x", name="kind"), "not text, number, boolean or UUID"),
        ({"code": "x"}, CHAR(3), "not text, number, boolean or UUID"),
        ({"code": "x"}, postgresql.CITEXT(), "not text, number, boolean or UUID"),
        ({"code": "x"}, postgresql.ARRAY(Text()), "not text, number, boolean or UUID"),
        ({"code": "x"}, String(collation="und-x-icu"), "not text, number, boolean or UUID"),
        ({"code": 1}, Numeric(10, 2), "not text, number, boolean or UUID"),
        ({"code": {"$gt": "2026-01-01"}}, DateTime(timezone=True), "has no order with"),
        ({"code": {"$gt": "0190"}}, Uuid(), "has no order with"),
        ({"code": {"$gt": 1}}, Text(), "has no order with 1"),
        ({"code": {"$gt": "1"}}, Integer(), "has no order with '1'"),
        ({"code": {"$gt": "\uffee"}}, Text(), r"conditions.code.\$gt: Postgres orders this text otherwise"),
        ({"code": {"$lt": "a\0"}}, Text(), r"conditions.code.\$lt: Postgres orders this text otherwise"),
    ],
)
@pytest.mark.parametrize("inverted", [False, True])
def test_what_cannot_be_expressed_is_refused_in_grants_and_denials(
    conditions: dict[str, object],
    kind: TypeEngine[object],
    message: str,
    inverted: bool,
) -> None:
    ability = Ability([Rule(("read",), ("Language",), conditions, inverted=inverted)])
    with pytest.raises(NotExpressible, match=message):
        sql_filter(ability, "read", "Language", {"code": Column("code", kind)})


def test_too_many_changes_between_grants_and_denials_are_refused_and_many_of_one_kind_are_not() -> None:
    alternating = [can(code=str(i)) if i % 2 else cannot(code=str(i)) for i in range(MAX_LEVELS)]
    assert where_of(*alternating).count("IS NOT true") == MAX_LEVELS // 2 - 1
    with pytest.raises(NotExpressible, match="merge the rules"):
        where_of(*alternating, cannot(code="x"), can(code="y"))
    assert where_of(*[can(code=str(i)) for i in range(1_000)]).count(" OR ") == 999


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
def test_allowed_values_are_the_ids_of_a_list(rules: list[Rule], expected: frozenset[object] | None) -> None:
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
def test_allowed_values_are_refused_unless_the_rules_are_lists_of_that_attribute(rules: list[Rule]) -> None:
    with pytest.raises(NotExpressible):
        allowed_values(Ability(rules), "read", "Language", "code")


def test_the_set_of_a_single_grant_is_not_copied() -> None:
    ability = Ability([can(code={"$in": ["a", "b"]})])
    assert allowed_values(ability, "read", "Language", "code") is allowed_values(ability, "read", "Language", "code")
