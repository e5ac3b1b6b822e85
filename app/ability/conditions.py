"""Conditions of a rule, compiled to Python functions.

Conditions are a conjunction of field conditions (`path operator value`). Operators and answers are those of
@casl/ability 7, also for attributes that are null, missing or a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final, TypeAlias, cast

import msgspec

from app.ability.js_values import (
    MISSING,
    SCALAR_TYPES,
    Attributes,
    Scalar,
    compare,
    get_attribute,
    get_by_path,
    parent_matches,
    to_json_value,
)

Predicate: TypeAlias = Callable[[Attributes], bool]

# For each operator the results of `compare` that satisfy it.
ORDERING_OPERATORS: Final[Mapping[str, frozenset[int]]] = {
    "$lt": frozenset({-1}),
    "$lte": frozenset({-1, 0}),
    "$gt": frozenset({1}),
    "$gte": frozenset({1, 0}),
}
MEMBERSHIP_OPERATORS: Final = frozenset({"$in", "$nin"})
# They are about the whole list of an attribute, all others about one of its entries.
LIST_OPERATORS: Final = frozenset({"$all", "$size"})


class MissingAttribute(LookupError):  # noqa: N818 - named after what is missing, like KeyError
    """The subject lacks an attribute that a rule reads. Raised only if the ability has a schema."""


class FieldCondition(msgspec.Struct, frozen=True, gc=False):
    """One `path operator value`.

    For `$in`, `$nin` and `$all`, `members` and `booleans` are the values as sets. Booleans have a set of their own,
    because `True == 1` in Python.
    """

    path: str
    segments: tuple[str, ...]
    operator: str
    value: Scalar | tuple[Scalar, ...]
    members: frozenset[Scalar] = frozenset()
    booleans: frozenset[Scalar] = frozenset()


class Conditions(msgspec.Struct, frozen=True, dict=True):
    """A non-empty conjunction of field conditions.

    If `strict`, a condition on an attribute that the subject lacks raises MissingAttribute.
    """

    field_conditions: tuple[FieldCondition, ...]
    strict: bool

    @cached_property
    def predicates(self) -> tuple[Predicate, ...]:
        """One function for each field condition, compiled at first use: most rules are never evaluated."""
        return tuple([_compile_condition(condition, strict=self.strict) for condition in self.field_conditions])

    def matches(self, attributes: Attributes) -> bool:
        """Whether a subject with these attributes meets every condition. If `strict`, raises MissingAttribute."""
        for predicate in self.predicates:  # noqa: SIM110 - `all` with a generator takes twice as long for one predicate
            if not predicate(attributes):
                return False
        return True

    def failed(self, attributes: Attributes) -> tuple[tuple[FieldCondition, object], ...]:
        """The conditions that are not met, each with the actual value (`MISSING` if there is none)."""
        return tuple(
            [
                (condition, get_by_path(attributes, condition.segments))
                for condition, predicate in zip(self.field_conditions, self.predicates, strict=True)
                if not _is_met(predicate, attributes)
            ]
        )


def _is_met(predicate: Predicate, attributes: Attributes) -> bool:
    """The predicate's answer, where a missing attribute is "not met" rather than an error."""
    try:
        return predicate(attributes)
    except MissingAttribute:
        return False


def _compile_condition(condition: FieldCondition, *, strict: bool) -> Predicate:
    if condition.operator == "$exists":
        return _exists_predicate(condition)
    if condition.operator in {"$eq", "$ne"} and condition.value is None:
        predicate = _null_predicate(condition)
    elif condition.operator == "$all":
        predicate = _all_predicate(condition)
    elif condition.operator == "$size":
        predicate = _size_predicate(condition)
    else:
        predicate = _value_predicate(condition)
    if not strict:
        return predicate
    name = condition.segments[0]

    def strict_predicate(attributes: Attributes) -> bool:
        if name not in attributes:
            raise MissingAttribute(f"a rule reads {condition.path!r}, but the subject has no {name!r}")
        return predicate(attributes)

    return strict_predicate


def _value_predicate(condition: FieldCondition) -> Predicate:
    """The predicate of every operator but `$exists` and comparison with null."""
    scalar_matches, expected = _scalar_predicate(condition), condition.operator not in {"$ne", "$nin"}
    segments, name = condition.segments, condition.segments[0]
    is_top_level = len(segments) == 1

    def predicate(attributes: Attributes) -> bool:
        actual = attributes.get(name, MISSING) if is_top_level else get_by_path(attributes, segments)
        if actual.__class__ not in SCALAR_TYPES:
            actual = to_json_value(actual)
            if isinstance(actual, list):
                return any(scalar_matches(to_json_value(item)) for item in actual) is expected
        return scalar_matches(actual) is expected

    return predicate


def _scalar_predicate(condition: FieldCondition) -> Callable[[object], bool]:
    """The predicate of one value that is not a list; for `$ne` and `$nin` the caller negates it."""
    if condition.operator in MEMBERSHIP_OPERATORS:
        members, booleans = condition.members, condition.booleans

        def is_member(actual: object) -> bool:
            if actual.__class__ not in SCALAR_TYPES:
                return False
            return actual in (booleans if actual.__class__ is bool else members)

        return is_member
    value = cast("Scalar", condition.value)
    if condition.operator in ORDERING_OPERATORS:
        satisfying = ORDERING_OPERATORS[condition.operator]
        return lambda actual: compare(actual, value) in satisfying
    if value.__class__ is bool:
        return lambda actual: actual is value
    return lambda actual: actual.__class__ is not bool and actual == value


def _null_predicate(condition: FieldCondition) -> Predicate:
    """`$eq` and `$ne` with null: an attribute missing from an existing parent counts as null (CASL 7)."""
    expected = condition.operator == "$eq"
    *parents, name = condition.segments

    def is_null(parent: object) -> bool:
        if not isinstance(parent, Mapping | list):
            return False
        value = get_attribute(parent, name)
        return value is MISSING or value is None or (isinstance(value, list) and None in value)

    return lambda attributes: parent_matches(get_by_path(attributes, parents), name, is_null) is expected


def _all_predicate(condition: FieldCondition) -> Predicate:
    """Whether the attribute is a list with every one of the values."""

    def has_all(attributes: Attributes) -> bool:
        actual = get_by_path(attributes, condition.segments)
        if not isinstance(actual, list):
            return False
        entries = [entry for entry in map(to_json_value, actual) if entry.__class__ in SCALAR_TYPES]
        members = {entry for entry in entries if entry.__class__ is not bool}
        booleans = {entry for entry in entries if entry.__class__ is bool}
        return condition.members <= members and condition.booleans <= booleans

    return has_all


def _size_predicate(condition: FieldCondition) -> Predicate:
    """Whether the attribute is a list with so many entries."""
    *parents, name = condition.segments

    def has_size(parent: object) -> bool:
        value = get_attribute(parent, name)
        return isinstance(value, list) and len(value) == condition.value

    return lambda attributes: parent_matches(get_by_path(attributes, parents), name, has_size)


def _exists_predicate(condition: FieldCondition) -> Predicate:
    expected = condition.value
    *parents, name = condition.segments

    def exists_as_expected(parent: object) -> bool:
        return (get_attribute(parent, name) is not MISSING) is expected

    return lambda attributes: parent_matches(get_by_path(attributes, parents), name, exists_as_expected)
