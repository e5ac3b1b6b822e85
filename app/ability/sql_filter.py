"""Rules as an SQL condition: a query with the condition selects exactly the rows that `can` allows.

A NULL column is a null attribute, and every attribute of a row is present: the columns of a dotted path must come from
an inner join. For Postgres, in a database with the encoding UTF-8.
"""

import operator
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Double,
    False_,
    Text,
    True_,
    and_,
    any_,
    false,
    literal,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from app.ability.ability import Ability
from app.ability.column_values import TEXT_TYPES, NotExpressible, is_number, is_storable, parameters_of, time_of
from app.ability.conditions import LIST_OPERATORS, MEMBERSHIP_OPERATORS, ORDERING_OPERATORS, FieldCondition
from app.ability.js_values import NUMBER_TYPES, Scalar, compare
from app.ability.rules import CompiledRule

__all__ = ["Columns", "NotExpressible", "allowed_values", "sql_filter"]

Columns: TypeAlias = Mapping[str, ColumnElement[Any] | InstrumentedAttribute[Any]]

# Each change between grants and denials nests the condition one level deeper, and SQLAlchemy compiles recursively.
MAX_NESTING: Final = 50

_COMPARISONS: Final = {"$lt": operator.lt, "$lte": operator.le, "$gt": operator.gt, "$gte": operator.ge}
_FIRST_SURROGATE: Final = "\ud800"


def sql_filter(ability: Ability, action: str, subject_type: str, columns: Columns) -> ColumnElement[bool]:
    """The condition for WHERE that selects exactly the rows of one subject type on which `can(action, row)` is true.

    `columns` maps each attribute path that the rules read to a column or SQL expression. As in `can` without a field,
    grants with fields count and denials with fields do not. Returns `false()` if nothing is allowed and `true()` if
    everything is. Denials are negated as `IS NOT TRUE`, because `NOT` of a NULL condition would hide allowed rows.
    Columns are text, numbers, booleans, UUIDs, timestamps, dates or enums. Raises NotExpressible for a path without a
    column, for a column of another type, for a time that no JSON form of the column equals, and for an ordering where
    Postgres and `can` differ.
    """
    rules = _rules_until_unconditional(ability, action, subject_type)
    result: ColumnElement[bool] = true() if _ends_with_grant_of_all(rules) else false()
    conditional = [rule for rule in reversed(rules) if rule.conditions is not None]
    runs = [(inverted, list(run)) for inverted, run in groupby(conditional, lambda rule: rule.inverted)]
    if len(runs) > MAX_NESTING:
        raise NotExpressible(f"more than {MAX_NESTING} changes between grants and denials; merge the rules")
    for inverted, run in runs:
        matched = [_conditions_to_sql(rule, columns) for rule in run]
        result = _and([_is_not_true(_or(matched)), result]) if inverted else _or([*matched, result])
    return result


def allowed_values(ability: Ability, action: str, subject_type: str, attribute: str) -> frozenset[Scalar] | None:
    """The values of one attribute for which `action` is allowed, for `= ANY($1)`; None means every value.

    Raises NotExpressible if a rule that can decide has a condition on another attribute or one that is not `$eq` or
    `$in` with text or numbers, or if a denial with conditions follows a grant without conditions.
    """
    rules = _rules_until_unconditional(ability, action, subject_type)
    allowed: frozenset[Scalar] | None = None if _ends_with_grant_of_all(rules) else frozenset()
    for rule in reversed(rules):
        if rule.conditions is None:
            continue
        values = _values_of_rule(rule, attribute)
        if rule.inverted:
            if allowed is None:
                raise NotExpressible(f"rule {rule.index} denies some of everything")
            allowed -= values
        elif allowed is not None:
            # A single grant, the usual case, returns its own set: 1,000 ids are not copied for each request.
            allowed = allowed | values if allowed else values
    return allowed


def _rules_until_unconditional(ability: Ability, action: str, subject_type: str) -> list[CompiledRule]:
    """The rules that can decide about a row, last written first, down to the first without conditions."""
    found = []
    for rule in ability.possible_rules(action, subject_type):
        if rule.matches_field(None):
            found.append(rule)
            if rule.conditions is None:
                break
    return found


def _ends_with_grant_of_all(rules: Sequence[CompiledRule]) -> bool:
    return bool(rules) and rules[-1].conditions is None and not rules[-1].inverted


def _values_of_rule(rule: CompiledRule, attribute: str) -> frozenset[Scalar]:
    """The values that the rule names with `$eq` or `$in` on this attribute, its only condition."""
    conditions = rule.conditions.field_conditions if rule.conditions else ()
    if len(conditions) == 1 and conditions[0].path == attribute:
        (condition,) = conditions
        if condition.operator == "$in" and not condition.booleans and None not in condition.members:
            return condition.members
        if condition.operator == "$eq" and condition.value.__class__ in {str, int, float}:
            return frozenset([cast("Scalar", condition.value)])
    raise NotExpressible(f"rule {rule.index} is not a list of {attribute!r} values")


def _conditions_to_sql(rule: CompiledRule, columns: Columns) -> ColumnElement[bool]:
    conditions = rule.conditions.field_conditions if rule.conditions else ()
    try:
        return _and([_condition_to_sql(condition, columns) for condition in conditions])
    except NotExpressible as error:
        raise NotExpressible(f"rule {rule.index}: {error}") from None


def _condition_to_sql(condition: FieldCondition, columns: Columns) -> ColumnElement[bool]:
    if condition.path not in columns:
        raise NotExpressible(f"conditions.{condition.path}: no column is mapped")
    column: ColumnElement[Any] = columns[condition.path].expression
    if condition.operator in LIST_OPERATORS:
        raise NotExpressible(f"conditions.{condition.path}.{condition.operator}: a column holds no list")
    if condition.operator == "$exists":
        return true() if condition.value else false()
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if condition.operator in ORDERING_OPERATORS:
        return _ordering_to_sql(condition, column, values[0])
    parameters, parameter_type = parameters_of(condition.path, column.type, values)
    if condition.operator in MEMBERSHIP_OPERATORS:
        is_member = column == any_(literal(parameters, ARRAY(parameter_type))) if parameters else false()
        matched = _or([is_member, column.is_(None)]) if None in values else is_member
        return matched if condition.operator == "$in" else _is_not_true(matched)
    if condition.value is None:
        return column.is_(None) if condition.operator == "$eq" else column.is_not(None)
    if not parameters:
        return false() if condition.operator == "$eq" else true()
    parameter = literal(parameters[0], parameter_type)
    return column == parameter if condition.operator == "$eq" else column.is_distinct_from(parameter)


def _ordering_to_sql(condition: FieldCondition, column: ColumnElement[Any], value: Scalar) -> ColumnElement[bool]:
    path, name, column_type = condition.path, condition.operator, column.type
    if isinstance(value, str) and isinstance(column_type, DateTime) and column_type.timezone:
        ordered = _order_of_timestamps(name, column, time_of(path, column_type, value))
    elif isinstance(value, str) and isinstance(column_type, DateTime | Date):
        ordered = _COMPARISONS[name](column, time_of(path, column_type, value))
    elif isinstance(value, str) and type(column_type) in TEXT_TYPES:
        # COLLATE "C" in UTF-8 is code point order, which equals JavaScript's UTF-16 order below the surrogates.
        if not is_storable(value) or max(value, default="") >= _FIRST_SURROGATE:
            raise NotExpressible(f"conditions.{path}.{name}: Postgres orders this text otherwise")
        ordered = _COMPARISONS[name](column.collate("C"), literal(value, Text()))
    elif value.__class__ in NUMBER_TYPES and is_number(column_type):
        parameter = literal(value, BigInteger()) if isinstance(value, int) else literal(value, Double())
        ordered = _COMPARISONS[name](column, parameter)
    else:
        raise NotExpressible(f"conditions.{path}.{name}: {column_type!r} has no order with {value!r}")
    return or_(ordered, column.is_(None)) if compare(None, value) in ORDERING_OPERATORS[name] else ordered


def _order_of_timestamps(name: str, column: ColumnElement[Any], time: datetime) -> ColumnElement[bool]:
    """The order of the JSON forms, which are text: in it, a second stands after all its fractions (`.` before `Z`)."""
    second = time.replace(microsecond=0)
    if time != second:
        ordered = _COMPARISONS[name](column, time)
        return or_(ordered, column == second) if name in {"$gt", "$gte"} else and_(ordered, column != second)
    last_fraction = second.replace(microsecond=999_999)
    return {
        "$lt": and_(column <= last_fraction, column != second),
        "$lte": column <= last_fraction,
        "$gt": column > last_fraction,
        "$gte": or_(column > last_fraction, column == second),
    }[name]


def _and(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """`AND`, simplified to a plain `true()` or `false()` if possible, which SQLAlchemy's `and_` would wrap."""
    if any(isinstance(condition, False_) for condition in conditions):
        return false()
    variable = [condition for condition in conditions if not isinstance(condition, True_)]
    return and_(*variable) if variable else true()


def _or(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """`OR`, simplified as `_and` is."""
    if any(isinstance(condition, True_) for condition in conditions):
        return true()
    variable = [condition for condition in conditions if not isinstance(condition, False_)]
    return or_(*variable) if variable else false()


def _is_not_true(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    if isinstance(condition, False_):
        return true()
    return false() if isinstance(condition, True_) else condition.is_not(true())
