"""Parsing of conditions: checks them when the rule is built and compiles each `path operator value`.

CASL accepts conditions without checks. Here unknown operators, object values and names of JavaScript's prototype
are refused; with a schema also attributes and value types that the subject types do not declare.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal, TypeAlias, cast

from app.ability.conditions import (
    LIST_OPERATORS,
    MEMBERSHIP_OPERATORS,
    ORDERING_OPERATORS,
    Conditions,
    FieldCondition,
)
from app.ability.js_values import MISSING, NUMBER_TYPES, SCALAR_TYPES, Scalar, to_json_value

JsonType: TypeAlias = Literal["string", "number", "boolean"]
AttributeTypes: TypeAlias = Mapping[str, JsonType]

PYTHON_TYPES: Final[Mapping[JsonType, frozenset[type]]] = {
    "string": frozenset({str}),
    "number": NUMBER_TYPES,
    "boolean": frozenset({bool}),
}
NULLABLE_TYPES: Final = {json_type: classes | {type(None)} for json_type, classes in PYTHON_TYPES.items()}
OPERATORS: Final = (
    frozenset({"$eq", "$ne", "$exists"}) | MEMBERSHIP_OPERATORS | LIST_OPERATORS | ORDERING_OPERATORS.keys()
)
# What to write instead of the operators of CASL that are refused.
WAYS_OUT: Final[Mapping[object, str]] = {
    "$regex": "list the values with $in, or give the subject an attribute that says what the pattern says",
    "$elemMatch": "write a dotted path for a condition on one attribute of the entries",
    "$and": "write all conditions in one object",
    **dict.fromkeys(("$or", "$nor", "$not"), "write several rules, and a denial for what is excluded"),
}

# CASL's parser finds these names on Object.prototype; it takes `__itself__` for the subject itself.
FORBIDDEN_SEGMENTS: Final = frozenset(
    {
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "toLocaleString",
        "valueOf",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__itself__",
    }
)
_MAX_SAFE_INTEGER: Final = 2**53 - 1


class InvalidRule(ValueError):  # noqa: N818 - the name says what is wrong, as NotExpressible does
    """A rule is refused; the message names the part of the rule that is wrong."""


def parse_conditions(conditions: object, attribute_types: Sequence[AttributeTypes] | None = None) -> Conditions | None:
    """Check and compile the conditions of a rule. None and `{}` are no conditions: returns None.

    `attribute_types` has the declared attributes of every subject type of the rule; None allows any attribute.
    If given, every subject type must declare each attribute, and an ordering operator must stand beside the null
    guard `{"$exists": true, "$ne": null}`, because `$lt` is true on missing attributes in CASL and null compares as 0.
    Raises InvalidRule with a message that starts with the name of the part.
    """
    if conditions is None:
        return None
    # The class is compared first: `isinstance` with an abstract class is slow, and this runs on authorised requests.
    if conditions.__class__ is not dict and not isinstance(conditions, Mapping):
        raise InvalidRule(f"conditions: an object is expected, not {conditions!r}")
    parsed: list[FieldCondition] = []
    for path, condition in conditions.items():
        segments = split_path(path)
        types = None if attribute_types is None else _types_of_path(path, attribute_types)
        is_operators = condition.__class__ not in SCALAR_TYPES and isinstance(condition, Mapping)
        operators = condition if is_operators else {"$eq": condition}
        if not operators:
            raise InvalidRule(f"conditions.{path}: an object without operators never matches")
        if types is not None and not operators.keys().isdisjoint(ORDERING_OPERATORS):
            _require_null_guard(path, operators)
        parsed.extend(
            [_parse_operator(path, segments, operator, value, types) for operator, value in operators.items()]
        )
    if not parsed:
        return None
    return Conditions(tuple(parsed), strict=attribute_types is not None)


@lru_cache(maxsize=1024)
def split_path(path: object) -> tuple[str, ...]:
    """The segments of a dotted path.

    Raises InvalidRule if a segment is empty, starts with `$` or is a name of JavaScript's prototype.
    """
    if not isinstance(path, str):
        raise InvalidRule(f"conditions: a path is text, not {path!r}")
    segments = tuple(path.split("."))
    for segment in segments:
        if not segment or segment[0] == "$" or segment in FORBIDDEN_SEGMENTS:
            raise InvalidRule(f"conditions.{path}: the path segment {segment!r} is forbidden{_way_out(segment)}")
    return segments


def _way_out(operator: object) -> str:
    return f": {WAYS_OUT[operator]}" if operator in WAYS_OUT else ""


def _types_of_path(path: str, attribute_types: Sequence[AttributeTypes]) -> frozenset[JsonType]:
    try:
        return frozenset([types[path] for types in attribute_types])
    except KeyError:
        raise InvalidRule(f"conditions.{path}: not an attribute of every subject type of the rule") from None


def _require_null_guard(path: str, operators: Mapping[object, object]) -> None:
    if operators.get("$exists") is not True or operators.get("$ne", MISSING) is not None:
        raise InvalidRule(f'conditions.{path}: an ordering needs {{"$exists": true, "$ne": null}} beside it')


def _parse_operator(
    path: str, segments: tuple[str, ...], operator: object, value: object, types: frozenset[JsonType] | None
) -> FieldCondition:
    location = f"conditions.{path}.{operator}"
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise InvalidRule(f"{location}: unknown operator{_way_out(operator)}")
    if operator == "$size":
        if value.__class__ is not int or not 0 <= value <= _MAX_SAFE_INTEGER:
            raise InvalidRule(f"{location}: a number of entries is expected, not {value!r}")
        return FieldCondition(path, segments, operator, value)
    if operator in MEMBERSHIP_OPERATORS or operator == "$all":
        if not isinstance(value, list | tuple):
            raise InvalidRule(f"{location}: a list is expected, not {value!r}")
        values, classes = _parse_scalars(location, value, types)
        if bool not in classes:
            return FieldCondition(path, segments, operator, values, frozenset(values))
        booleans = frozenset([item for item in values if item.__class__ is bool])
        others = frozenset([item for item in values if item.__class__ is not bool])
        return FieldCondition(path, segments, operator, values, others, booleans)
    if operator == "$exists":
        if not isinstance(value, bool):
            raise InvalidRule(f"{location}: true or false is expected, not {value!r}")
        return FieldCondition(path, segments, operator, value)
    ((scalar,), classes) = _parse_scalars(location, (value,), types)
    if operator in ORDERING_OPERATORS and not classes <= {str, int, float}:
        raise InvalidRule(f"{location}: only text and numbers are ordered, not {value!r}")
    return FieldCondition(path, segments, operator, scalar)


def _parse_scalars(
    location: str, values: Sequence[object], types: frozenset[JsonType] | None
) -> tuple[tuple[Scalar, ...], set[type]]:
    """The values in their JSON form and the set of their Python classes."""
    # Checking the set of classes instead of each value keeps the build of long id lists fast.
    classes = set(map(type, values))
    if not classes <= SCALAR_TYPES:
        try:
            values = [to_json_value(value) for value in values]
        except TypeError as error:
            raise InvalidRule(f"{location}: {error}") from error
        classes = set(map(type, values))
        if not classes <= SCALAR_TYPES:
            raise InvalidRule(f"{location}: an object or a list equals nothing; write operators or a dotted path")
    for json_type in types or ():
        if not classes <= NULLABLE_TYPES[json_type]:
            raise InvalidRule(f"{location}: the attribute is declared as {json_type}")
    if not classes.isdisjoint(NUMBER_TYPES):
        _check_numbers(location, values)
    return cast("tuple[Scalar, ...]", tuple(values)), classes


def _check_numbers(location: str, values: Iterable[object]) -> None:
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidRule(f"{location}: {value!r} is not a JSON number")
        if isinstance(value, int | float) and abs(value) > _MAX_SAFE_INTEGER:
            raise InvalidRule(f"{location}: {value!r} loses digits in a browser; send such ids as text")
