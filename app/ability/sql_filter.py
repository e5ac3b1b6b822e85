"""Rules as a query: the rows that a list shows are those that `can` allows, row by row.

A null column is a null attribute, and every attribute of a row is present: the parents of a dotted path are
objects (an inner join, not an outer one). Postgres only, in a database whose encoding is UTF-8.
"""

import operator
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from sqlalchemy import (
    TEXT,
    VARCHAR,
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    False_,
    Float,
    Integer,
    Numeric,
    String,
    Text,
    True_,
    Unicode,
    UnicodeText,
    Uuid,
    and_,
    any_,
    false,
    literal,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from app.ability.ability import Ability
from app.ability.conditions import MEMBERSHIPS, ORDERINGS, Part
from app.ability.js_values import NUMBERS, Scalar, compare
from app.ability.rules import CompiledRule

Columns: TypeAlias = Mapping[str, ColumnElement[Any] | InstrumentedAttribute[Any]]
Bound: TypeAlias = str | int | float | bool | UUID

# Each change between grants and denials is one more level, and SQLAlchemy compiles levels recursively.
MAX_LEVELS: Final = 50

_COMPARISONS: Final = {"$lt": operator.lt, "$lte": operator.le, "$gt": operator.gt, "$gte": operator.ge}
# By exact type: citext, char(n) and enums are strings to SQLAlchemy, but do not compare like text.
_TEXT_TYPES: Final = frozenset({String, Text, VARCHAR, TEXT, Unicode, UnicodeText})
_FIRST_SURROGATE: Final = "\ud800"


class NotExpressible(Exception):  # noqa: N818 - says what the rules are
    """The rules cannot be written as the query that was asked for; nothing is ever left out instead."""


def sql_filter(ability: Ability, action: str, subject_type: str, columns: Columns) -> ColumnElement[bool]:
    """The condition that selects exactly the rows of one subject type on which `can(action, row)` is true.

    `columns` maps each attribute path that the rules read to a column or SQL expression. As in `can` without
    a field, field-bound grants count and field-bound denials do not. `false()` when nothing is allowed and
    `true()` when everything is. Denials are negated as `IS NOT TRUE`: `NOT` of a null condition hides rows.
    Raises NotExpressible for a path without a column, a column whose type is not text, number, boolean or
    UUID, and an ordering that Postgres would answer otherwise than `can`.
    """
    rules = _readable_rules(ability, action, subject_type)
    result: ColumnElement[bool] = true() if _ends_in_grant(rules) else false()
    conditional = [rule for rule in reversed(rules) if rule.conditions is not None]
    levels = [(inverted, list(group)) for inverted, group in groupby(conditional, lambda rule: rule.inverted)]
    if len(levels) > MAX_LEVELS:
        raise NotExpressible(f"more than {MAX_LEVELS} changes between grants and denials; merge the rules")
    for inverted, group in levels:
        matched = [_conditions(rule, columns) for rule in group]
        result = _all([_is_not_true(_any(matched)), result]) if inverted else _any([*matched, result])
    return result


def allowed_values(ability: Ability, action: str, subject_type: str, attribute: str) -> frozenset[Scalar] | None:
    """The values of one attribute on which `action` is allowed, for `= ANY($1)`; None is everything.

    Raises NotExpressible unless the rules on the action and type constrain that attribute alone, by `$eq` or
    `$in` with text or numbers, and no denial cuts into a grant of everything.
    """
    rules = _readable_rules(ability, action, subject_type)
    allowed: frozenset[Scalar] | None = None if _ends_in_grant(rules) else frozenset()
    for rule in reversed(rules):
        if rule.conditions is None:
            continue
        values = _values(rule, attribute)
        if rule.inverted:
            if allowed is None:
                raise NotExpressible(f"rule {rule.index} denies some of everything")
            allowed -= values
        elif allowed is not None:
            # The usual single grant keeps its set, so that 1,000 memberships are not copied per request.
            allowed = allowed | values if allowed else values
    return allowed


def _readable_rules(ability: Ability, action: str, subject_type: str) -> list[CompiledRule]:
    """The rules that can decide about a row, down to the first without conditions."""
    found = []
    for rule in ability.possible_rules(action, subject_type):
        if rule.names_field(None):
            found.append(rule)
            if rule.conditions is None:
                break
    return found


def _ends_in_grant(rules: Sequence[CompiledRule]) -> bool:
    return bool(rules) and rules[-1].conditions is None and not rules[-1].inverted


def _values(rule: CompiledRule, attribute: str) -> frozenset[Scalar]:
    parts = rule.conditions.parts if rule.conditions else ()
    if len(parts) == 1 and parts[0].path == attribute:
        (part,) = parts
        if part.operator == "$in" and not part.booleans and None not in part.members:
            return part.members
        if part.operator == "$eq" and part.value.__class__ in {str, int, float}:
            return frozenset([cast("Scalar", part.value)])
    raise NotExpressible(f"rule {rule.index} is not a list of {attribute!r} values")


def _conditions(rule: CompiledRule, columns: Columns) -> ColumnElement[bool]:
    parts = rule.conditions.parts if rule.conditions else ()
    try:
        return _all([_part(part, columns) for part in parts])
    except NotExpressible as error:
        raise NotExpressible(f"rule {rule.index}: {error}") from None


def _part(part: Part, columns: Columns) -> ColumnElement[bool]:
    if part.path not in columns:
        raise NotExpressible(f"conditions.{part.path}: no column is mapped")
    column: ColumnElement[Any] = columns[part.path].expression
    if part.operator == "$exists":
        return true() if part.value else false()
    values = part.value if isinstance(part.value, tuple) else (part.value,)
    if part.operator in ORDERINGS:
        return _ordering(part, column, values[0])
    bounds, bound_type = _bounds(part, column.type, values)
    if part.operator in MEMBERSHIPS:
        members = column == any_(literal(bounds, ARRAY(bound_type))) if bounds else false()
        matched = _any([members, column.is_(None)]) if None in values else members
        return matched if part.operator == "$in" else _is_not_true(matched)
    if part.value is None:
        return column.is_(None) if part.operator == "$eq" else column.is_not(None)
    if not bounds:
        return false() if part.operator == "$eq" else true()
    bound = literal(bounds[0], bound_type)
    return column == bound if part.operator == "$eq" else column.is_distinct_from(bound)


def _ordering(part: Part, column: ColumnElement[Any], value: Scalar) -> ColumnElement[bool]:
    kind = column.type
    if isinstance(value, str) and type(kind) in _TEXT_TYPES:
        # Below the surrogates UTF-16 order is code point order, which COLLATE "C" is in UTF-8.
        if not _is_storable(value) or max(value, default="") >= _FIRST_SURROGATE:
            raise NotExpressible(f"conditions.{part.path}.{part.operator}: Postgres orders this text otherwise")
        ordered = _COMPARISONS[part.operator](column.collate("C"), literal(value, Text()))
    elif value.__class__ in NUMBERS and _is_number(kind):
        bound = literal(value, BigInteger()) if isinstance(value, int) else literal(value, Double())
        ordered = _COMPARISONS[part.operator](column, bound)
    else:
        raise NotExpressible(f"conditions.{part.path}.{part.operator}: {kind!r} has no order with {value!r}")
    return or_(ordered, column.is_(None)) if compare(None, value) in ORDERINGS[part.operator] else ordered


def _bounds(part: Part, kind: TypeEngine[Any], values: Sequence[Scalar]) -> tuple[list[Bound], TypeEngine[Any]]:
    """The values that a column of this type can hold at all, as its parameters; equality is type-strict."""
    if isinstance(kind, Boolean):
        return [value for value in values if isinstance(value, bool)], Boolean()
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if isinstance(kind, Integer):
        return [int(number) for number in numbers if number == int(number)], BigInteger()
    if _is_number(kind):
        return [float(number) for number in numbers], Double()
    texts = [value for value in values if isinstance(value, str)]
    if isinstance(kind, Uuid):
        return [UUID(text) for text in texts if _is_canonical_uuid(text)], Uuid()
    if type(kind) in _TEXT_TYPES and getattr(kind, "collation", None) in {None, "C"}:
        return [text for text in texts if _is_storable(text)], Text()
    raise NotExpressible(f"conditions.{part.path}: {kind!r} is not text, number, boolean or UUID; type_coerce it")


def _is_number(kind: TypeEngine[Any]) -> bool:
    # A Decimal's JSON form is text, so such a column is not the number that a rule compares with.
    return isinstance(kind, Integer | Float) or (isinstance(kind, Numeric) and not kind.asdecimal)


def _is_canonical_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _all(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    if any(isinstance(condition, False_) for condition in conditions):
        return false()
    rest = [condition for condition in conditions if not isinstance(condition, True_)]
    return and_(*rest) if rest else true()


def _any(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    if any(isinstance(condition, True_) for condition in conditions):
        return true()
    rest = [condition for condition in conditions if not isinstance(condition, False_)]
    return or_(*rest) if rest else false()


def _is_not_true(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    if isinstance(condition, False_):
        return true()
    return false() if isinstance(condition, True_) else condition.is_not(true())
