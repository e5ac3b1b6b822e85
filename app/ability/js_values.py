"""Attribute values as a browser sees them: their JSON form, reading by path, and JavaScript's ordering.

Equality and order must be the client's, or the exported rules would decide otherwise there than here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

Scalar: TypeAlias = str | int | float | bool | None
Attributes: TypeAlias = Mapping[str, object]

NUMBERS: Final = frozenset({int, float})
SCALARS: Final = frozenset({str, int, float, bool, type(None)})

_PLAIN: Final = SCALARS | {list, dict}
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_RADIX: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_OBJECT_TEXT: Final = "[object Object]"  # what JavaScript compares an object as
_INFINITY: Final = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


class _Missing:
    """The type of `MISSING`, JavaScript's `undefined`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def json_form(value: object) -> object:
    """The value as a client sees it in JSON: UUID, datetime, Decimal and Enum as the API encodes them.

    The one place where attributes and condition values are normalised. Times compare as their text, so they
    must come in one format and one offset. Raises TypeError for what has no JSON form.
    """
    if value.__class__ in _PLAIN or value is MISSING or isinstance(value, Mapping):
        return value
    plain: object = msgspec.to_builtins(value)
    return list(plain) if isinstance(plain, tuple) else plain


def read(attributes: Attributes, segments: Sequence[str]) -> object:
    """The JSON form of what is at a path, or `MISSING`; lists of objects on the way collect their values."""
    value: object = attributes
    for segment in segments:
        value = step(value, segment)
        if value is MISSING:
            break
    return value


def step(value: object, segment: str) -> object:
    """One segment of a path down from a value: an attribute, a list's entry, or its entries' attributes."""
    if isinstance(value, Mapping):
        return json_form(value.get(segment, MISSING))
    if not isinstance(value, list):
        return MISSING
    if _is_index(segment):
        canonical = segment.isdecimal() and str(int(segment)) == segment
        return json_form(value[int(segment)]) if canonical and int(segment) < len(value) else MISSING
    collected: list[object] = []
    for item in value:
        found = step(item, segment) if isinstance(item, Mapping) else MISSING
        if isinstance(found, list):
            collected.extend(found)
        elif found is not MISSING:
            collected.append(found)
    return collected


def some_parent(parent: object, leaf: str, holds: Callable[[object], bool]) -> bool:
    """Whether the owner of a path's last segment passes; of a list of owners one is enough."""
    if isinstance(parent, list) and not _is_index(leaf):
        return any(holds(item) for item in parent)
    return holds(parent)


def compare(actual: object, bound: Scalar) -> int:
    """CASL's ordering: 0 if strictly equal, 1 if JavaScript finds `actual > bound`, otherwise -1.

    So what has no order (missing, text that is no number against a number) is less, and null is 0.
    """
    if isinstance(actual, Mapping):
        actual = _OBJECT_TEXT
    if isinstance(actual, str) and isinstance(bound, str):
        return _compare_text(actual, bound)
    if actual.__class__ in NUMBERS and bound.__class__ in NUMBERS and actual == bound:
        return 0
    return 1 if _number(actual) > _number(bound) else -1


def _compare_text(actual: str, bound: str) -> int:
    if actual == bound:
        return 0
    # JavaScript orders UTF-16 code units; code points order alike as long as one side has no surrogates.
    if actual.isascii() or bound.isascii():
        return 1 if actual > bound else -1
    left, right = (text.encode("utf-16-be", "surrogatepass") for text in (actual, bound))
    return 1 if left > right else -1


def _is_index(segment: str) -> bool:
    return not math.isnan(_number(segment))


# ECMAScript WhiteSpace and LineTerminator, which are not what `str.strip` takes by itself.
_WHITESPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def _number(value: object) -> float:
    """JavaScript's `Number(value)`."""
    if value is None or isinstance(value, bool | int | float):
        return value or 0
    if not isinstance(value, str):
        return math.nan
    text = value.strip(_WHITESPACE)
    if not text:
        return 0
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _RADIX.fullmatch(text):
        return int(text, 0)
    return _INFINITY.get(text, math.nan)
