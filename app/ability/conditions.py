"""Conditions of a rule: compiled once, then asked of many subjects.

A condition set is a conjunction of parts (`path operator value`). Operators and answers are those of
@casl/ability 7, null, missing and list attributes included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final, TypeAlias, cast

import msgspec

from app.ability.js_values import (
    MISSING,
    SCALARS,
    Attributes,
    Scalar,
    compare,
    json_form,
    read,
    some_parent,
    step,
)

Test: TypeAlias = Callable[[Attributes], bool]

ORDERINGS: Final[Mapping[str, frozenset[int]]] = {
    "$lt": frozenset({-1}),
    "$lte": frozenset({-1, 0}),
    "$gt": frozenset({1}),
    "$gte": frozenset({1, 0}),
}
MEMBERSHIPS: Final = frozenset({"$in", "$nin"})


class MissingAttribute(LookupError):  # noqa: N818 - named for what is missing, like KeyError's key
    """A subject lacks an attribute that a rule of an ability with a schema has to read."""


class Part(msgspec.Struct, frozen=True):
    """One `path operator value`; `members` holds the values of `$in` and `$nin` as a set, booleans apart."""

    path: str
    segments: tuple[str, ...]
    operator: str
    value: Scalar | tuple[Scalar, ...]
    members: frozenset[Scalar] = frozenset()
    booleans: frozenset[Scalar] = frozenset()


class Conditions(msgspec.Struct, frozen=True, dict=True):
    """A non-empty conjunction of parts; with `strict`, each must find its attribute."""

    parts: tuple[Part, ...]
    strict: bool

    @cached_property
    def tests(self) -> tuple[Test, ...]:
        """The parts as tests, compiled at the first question: most rules of an ability are never asked."""
        return tuple([_test(part, strict=self.strict) for part in self.parts])

    def matches(self, attributes: Attributes) -> bool:
        """Whether every part holds for a subject with these attributes.

        Raises MissingAttribute if the rule was built with a schema and reads an attribute that is not there.
        """
        for test in self.tests:  # noqa: SIM110 - a generator doubles the cost of the usual single part
            if not test(attributes):
                return False
        return True

    def failing(self, attributes: Attributes) -> tuple[tuple[Part, object], ...]:
        """Every part that does not hold, with what was found instead (`MISSING` for nothing)."""
        return tuple(
            [
                (part, read(attributes, part.segments))
                for part, test in zip(self.parts, self.tests, strict=True)
                if not _holds(test, attributes)
            ]
        )


def _holds(test: Test, attributes: Attributes) -> bool:
    try:
        return test(attributes)
    except MissingAttribute:
        return False


def _test(part: Part, *, strict: bool) -> Test:
    if part.operator == "$exists":
        return _exists_test(part)
    test = _null_test(part) if part.operator in {"$eq", "$ne"} and part.value is None else _value_test(part)
    if not strict:
        return test
    first = part.segments[0]

    def strict_test(attributes: Attributes) -> bool:
        if first not in attributes:
            raise MissingAttribute(f"a rule reads {part.path!r}, but the subject has no {first!r}")
        return test(attributes)

    return strict_test


def _value_test(part: Part) -> Test:
    holds, wanted = _scalar_test(part), part.operator not in {"$ne", "$nin"}
    segments, name = part.segments, part.segments[0]
    direct = len(segments) == 1

    def test(attributes: Attributes) -> bool:
        actual = attributes.get(name, MISSING) if direct else read(attributes, segments)
        if actual.__class__ not in SCALARS:
            actual = json_form(actual)
            if isinstance(actual, list):
                return any(holds(json_form(item)) for item in actual) is wanted
        return holds(actual) is wanted

    return test


def _scalar_test(part: Part) -> Callable[[object], bool]:
    if part.operator in MEMBERSHIPS:
        members, booleans = part.members, part.booleans

        def is_member(actual: object) -> bool:
            if actual.__class__ not in SCALARS:
                return False
            return actual in (booleans if actual.__class__ is bool else members)

        return is_member
    value = cast("Scalar", part.value)
    if part.operator in ORDERINGS:
        accepted = ORDERINGS[part.operator]
        return lambda actual: compare(actual, value) in accepted
    if value.__class__ is bool:
        return lambda actual: actual is value
    return lambda actual: actual.__class__ is not bool and actual == value


def _null_test(part: Part) -> Test:
    wanted = part.operator == "$eq"
    *parents, leaf = part.segments

    def is_null(parent: object) -> bool:
        if not isinstance(parent, Mapping | list):
            return False
        value = step(parent, leaf)
        return value is MISSING or value is None or (isinstance(value, list) and None in value)

    return lambda attributes: some_parent(read(attributes, parents), leaf, is_null) is wanted


def _exists_test(part: Part) -> Test:
    wanted = part.value
    *parents, leaf = part.segments

    def exists(parent: object) -> bool:
        return (step(parent, leaf) is not MISSING) is wanted

    return lambda attributes: some_parent(read(attributes, parents), leaf, exists)
