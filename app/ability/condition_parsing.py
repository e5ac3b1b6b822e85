"""Conditions as they stand in a rule, checked: what CASL lets pass silently is refused when the rule is built.

That is unknown operators, object values, prototype names, and with a schema what the subject types do not declare.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal, TypeAlias, cast

from app.ability.conditions import MEMBERSHIPS, ORDERINGS, Conditions, Part
from app.ability.js_values import MISSING, NUMBERS, SCALARS, Scalar, json_form

JsonType: TypeAlias = Literal["string", "number", "boolean"]
JSON_TYPES: Final[Mapping[JsonType, frozenset[type]]] = {
    "string": frozenset({str}),
    "number": NUMBERS,
    "boolean": frozenset({bool}),
}
OPERATORS: Final = frozenset({"$eq", "$ne", "$exists"}) | MEMBERSHIPS | ORDERINGS.keys()

# CASL's parser finds these on Object.prototype, or takes the last one for the subject itself.
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
_SAFE_INTEGER: Final = 2**53 - 1


class InvalidRule(ValueError):  # noqa: N818 - a rule that is invalid, in the words of the API
    """A rule that may not be built; the message names the part of the rule that is wrong."""


def parse(conditions: object, declared: Sequence[Mapping[str, JsonType]] | None = None) -> Conditions | None:
    """Check conditions as they stand in a rule; None and `{}` are no conditions.

    `declared` holds the attribute types of every subject type that the rule covers; None takes any attribute.
    With it, an attribute that one of them does not declare is refused, and an ordering must stand beside
    `{"$exists": true, "$ne": null}`, because CASL's `$lt` is true on missing attributes and its null is 0.
    Raises InvalidRule with a message that starts with the part's name.
    """
    if conditions is None:
        return None
    if not isinstance(conditions, Mapping):
        raise InvalidRule(f"conditions: an object is expected, not {conditions!r}")
    parts: list[Part] = []
    for path, condition in conditions.items():
        segments = check_path(path)
        types = None if declared is None else _declared_types(path, declared)
        operators = condition if isinstance(condition, Mapping) else {"$eq": condition}
        if not operators:
            raise InvalidRule(f"conditions.{path}: an object without operators never matches")
        if types is not None and not operators.keys().isdisjoint(ORDERINGS):
            _check_guard(path, operators)
        parts.extend([_part(path, segments, operator, value, types) for operator, value in operators.items()])
    if not parts:
        return None
    return Conditions(tuple(parts), strict=declared is not None)


@lru_cache(maxsize=1024)
def check_path(path: object) -> tuple[str, ...]:
    """The segments of a dotted path. Raises InvalidRule for empty, `$`-led and prototype segments."""
    if not isinstance(path, str):
        raise InvalidRule(f"conditions: a path is text, not {path!r}")
    segments = tuple(path.split("."))
    for segment in segments:
        if not segment or segment[0] == "$" or segment in FORBIDDEN_SEGMENTS:
            raise InvalidRule(f"conditions.{path}: the path segment {segment!r} is forbidden")
    return segments


def _declared_types(path: str, declared: Sequence[Mapping[str, JsonType]]) -> frozenset[JsonType]:
    try:
        return frozenset([attributes[path] for attributes in declared])
    except KeyError:
        raise InvalidRule(f"conditions.{path}: not an attribute of every subject type of the rule") from None


def _check_guard(path: str, operators: Mapping[object, object]) -> None:
    if operators.get("$exists") is not True or operators.get("$ne", MISSING) is not None:
        raise InvalidRule(f'conditions.{path}: an ordering needs {{"$exists": true, "$ne": null}} beside it')


def _part(
    path: str, segments: tuple[str, ...], operator: object, value: object, types: frozenset[JsonType] | None
) -> Part:
    where = f"conditions.{path}.{operator}"
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise InvalidRule(f"{where}: unknown operator")
    if operator in MEMBERSHIPS:
        if not isinstance(value, list | tuple):
            raise InvalidRule(f"{where}: a list is expected, not {value!r}")
        values, kinds = _scalars(where, value, types)
        if bool not in kinds:
            return Part(path, segments, operator, values, frozenset(values))
        # True == 1 in Python: booleans get a set of their own, so that membership stays type-strict.
        booleans = frozenset([item for item in values if item.__class__ is bool])
        others = frozenset([item for item in values if item.__class__ is not bool])
        return Part(path, segments, operator, values, others, booleans)
    if operator == "$exists":
        if not isinstance(value, bool):
            raise InvalidRule(f"{where}: true or false is expected, not {value!r}")
        return Part(path, segments, operator, value)
    ((scalar,), kinds) = _scalars(where, (value,), types)
    if operator in ORDERINGS and not kinds <= {str, int, float}:
        raise InvalidRule(f"{where}: only text and numbers are ordered, not {value!r}")
    return Part(path, segments, operator, scalar)


def _scalars(
    where: str, values: Sequence[object], types: frozenset[JsonType] | None
) -> tuple[tuple[Scalar, ...], set[type]]:
    # The types of a list are gathered first: one pass in C over 1,000 ids is what keeps building cheap.
    kinds = set(map(type, values))
    if not kinds <= SCALARS:
        try:
            values = [json_form(value) for value in values]
        except TypeError as error:
            raise InvalidRule(f"{where}: {error}") from error
        kinds = set(map(type, values))
        if not kinds <= SCALARS:
            raise InvalidRule(f"{where}: an object or a list equals nothing; write operators or a dotted path")
    for declared in types or ():
        if not kinds <= JSON_TYPES[declared] | {type(None)}:
            raise InvalidRule(f"{where}: the attribute is declared as {declared}")
    if not kinds.isdisjoint(NUMBERS):
        _check_numbers(where, values)
    return cast("tuple[Scalar, ...]", tuple(values)), kinds


def _check_numbers(where: str, values: Iterable[object]) -> None:
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidRule(f"{where}: {value!r} is not a JSON number")
        if isinstance(value, int | float) and abs(value) > _SAFE_INTEGER:
            raise InvalidRule(f"{where}: {value!r} loses digits in a browser; send such ids as text")
