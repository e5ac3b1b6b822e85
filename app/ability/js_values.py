"""Attribute values as JavaScript sees them: their JSON form, access by path, and the operators `<` and `>`.

Browsers decide with the exported rules, so equality and order must be those of JavaScript.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

Scalar: TypeAlias = str | int | float | bool | None
Attributes: TypeAlias = Mapping[str, object]

NUMBER_TYPES: Final = frozenset({int, float})
SCALAR_TYPES: Final = frozenset({str, int, float, bool, type(None)})

_JSON_VALUE_TYPES: Final = SCALAR_TYPES | {list, dict}
_DECIMAL_LITERAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_PREFIXED_LITERAL: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INFINITY_LITERALS: Final = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}
_OBJECT_AS_STRING: Final = "[object Object]"
# ECMAScript WhiteSpace and LineTerminator; `str.strip` without an argument strips other characters.
_WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


class _Missing:
    """The type of `MISSING`, which stands for JavaScript's `undefined`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def to_json_value(value: object) -> object:
    """Convert UUID, datetime, Decimal, Enum and other Python values to the JSON value that clients see.

    Attributes and condition values are both converted here. Times become text and are compared as text, so all
    times must have the same format and offset. Raises TypeError for a value without a JSON form.
    """
    if value.__class__ in _JSON_VALUE_TYPES or value is MISSING or isinstance(value, Mapping):
        return value
    plain: object = msgspec.to_builtins(value)
    return list(plain) if isinstance(plain, tuple) else plain


def get_by_path(attributes: Attributes, segments: Sequence[str]) -> object:
    """The JSON value at a path, or `MISSING`. Through a list of objects: the list of their values."""
    value: object = attributes
    for segment in segments:
        value = get_attribute(value, segment)
        if value is MISSING:
            break
    return value


def get_attribute(value: object, segment: str) -> object:
    """The JSON value of one path segment: an attribute of an object, an entry of a list, or `MISSING`.

    On a list, a segment that is not an index collects that attribute of all entries.
    """
    if isinstance(value, Mapping):
        return to_json_value(value.get(segment, MISSING))
    if not isinstance(value, list):
        return MISSING
    if _is_numeric(segment):
        is_index = segment.isdecimal() and str(int(segment)) == segment
        return to_json_value(value[int(segment)]) if is_index and int(segment) < len(value) else MISSING
    collected: list[object] = []
    for item in value:
        found = get_attribute(item, segment) if isinstance(item, Mapping) else MISSING
        if isinstance(found, list):
            collected.extend(found)
        elif found is not MISSING:
            collected.append(found)
    return collected


def parent_matches(parent: object, last_segment: str, predicate: Callable[[object], bool]) -> bool:
    """Whether the parent of a path's last segment satisfies the predicate; of a list of parents, any of them."""
    if isinstance(parent, list) and not _is_numeric(last_segment):
        return any(predicate(item) for item in parent)
    return predicate(parent)


def compare(actual: object, expected: Scalar) -> int:
    """CASL's ordering: 0 if strictly equal, 1 if `actual > expected` in JavaScript, otherwise -1.

    Values without an order (missing, or text that is no number against a number) are therefore less. Null is 0.
    """
    if isinstance(actual, Mapping):
        actual = _OBJECT_AS_STRING
    if isinstance(actual, str) and isinstance(expected, str):
        return _compare_strings(actual, expected)
    if actual.__class__ in NUMBER_TYPES and expected.__class__ in NUMBER_TYPES and actual == expected:
        return 0
    return 1 if _to_number(actual) > _to_number(expected) else -1


def _compare_strings(actual: str, expected: str) -> int:
    if actual == expected:
        return 0
    # JavaScript compares UTF-16 code units. The order of code points is the same if one side has no surrogates.
    if actual.isascii() or expected.isascii():
        return 1 if actual > expected else -1
    left, right = (text.encode("utf-16-be", "surrogatepass") for text in (actual, expected))
    return 1 if left > right else -1


def _is_numeric(segment: str) -> bool:
    """JavaScript's `!isNaN(segment)`, with which CASL tells a list index from an attribute name."""
    return not math.isnan(_to_number(segment))


def _to_number(value: object) -> float:
    """JavaScript's `Number(value)`."""
    if value is None or isinstance(value, bool | int | float):
        return value or 0
    if not isinstance(value, str):
        return math.nan
    text = value.strip(_WHITESPACE)
    if not text:
        return 0
    if _DECIMAL_LITERAL.fullmatch(text):
        return float(text)
    if _PREFIXED_LITERAL.fullmatch(text):
        return int(text, 0)
    return _INFINITY_LITERALS.get(text, math.nan)
