"""Rules of an ability and the schema of what they may speak of, checked when they are built."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from app.ability.condition_parsing import JSON_TYPES, InvalidRule, JsonType, check_path, parse
from app.ability.conditions import Conditions
from app.ability.field_patterns import FieldMatcher, field_matcher

ANY_ACTION: Final = "manage"
ANY_SUBJECT: Final = "all"


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A grant, or with `inverted` a denial; no fields are every field, no conditions are every subject."""

    actions: tuple[str, ...]
    subjects: tuple[str, ...]
    conditions: Mapping[str, object] | None = None
    fields: tuple[str, ...] | None = None
    inverted: bool = False
    reason: str | None = None


class Schema(msgspec.Struct, frozen=True, eq=False):
    """What rules may speak of: actions, and per subject type the attribute paths with their JSON types."""

    actions: frozenset[str]
    subjects: Mapping[str, Mapping[str, JsonType]]

    def __post_init__(self) -> None:
        _names("actions", tuple(self.actions - {ANY_ACTION}))
        _names("subjects", tuple(self.subjects))
        if ANY_SUBJECT in self.subjects:
            raise InvalidRule(f"subjects: {ANY_SUBJECT!r} is every type and declares no attributes")
        for subject, attributes in self.subjects.items():
            for path, kind in attributes.items():
                check_path(path)
                if kind not in JSON_TYPES:
                    raise InvalidRule(f"subjects.{subject}.{path}: {kind!r} is not a JSON type")


class _Shape(msgspec.Struct, frozen=True):
    """What is the same of a rule for every principal: all but its conditions."""

    actions: frozenset[str]
    subjects: frozenset[str]
    covers: FieldMatcher | None
    declared: list[Mapping[str, JsonType]] | None


class CompiledRule(msgspec.Struct, frozen=True):
    """A checked rule with its index, its names as sets, its field matcher and its parsed conditions."""

    index: int
    rule: Rule
    actions: frozenset[str]
    subjects: frozenset[str]
    covers: FieldMatcher | None
    conditions: Conditions | None
    inverted: bool

    def names_action(self, action: str) -> bool:
        """Whether the rule is about this action; `manage` is a wildcard on the rule's side only."""
        return action in self.actions or ANY_ACTION in self.actions

    def names_subject(self, subject_type: str) -> bool:
        """Whether the rule is about this type; `all` is a wildcard on the rule's side only."""
        return subject_type in self.subjects or ANY_SUBJECT in self.subjects

    def names_field(self, field: str | None) -> bool:
        """Whether the rule is about this field; asked about none, field-bound grants count, not denials."""
        if self.covers is None:
            return True
        return not self.inverted if field is None else self.covers(field)


def compile_rule(index: int, rule: Rule, schema: Schema | None) -> CompiledRule:
    """Check a rule and make it ready to be asked. Raises InvalidRule with the rule's index and part."""
    try:
        # Checked before the cached call: a list is unhashable, and a bare string would be a tuple of letters.
        _check_tuple("actions", rule.actions)
        _check_tuple("subjects", rule.subjects)
        if rule.fields is not None:
            _check_tuple("fields", rule.fields)
        shape = _shape(rule.actions, rule.subjects, rule.fields, rule.inverted, rule.reason, schema)
        conditions = parse(rule.conditions, shape.declared)
    except InvalidRule as error:
        raise InvalidRule(f"rule {index}: {error}") from None
    return CompiledRule(index, rule, shape.actions, shape.subjects, shape.covers, conditions, rule.inverted)


@lru_cache(maxsize=1024, typed=True)
def _shape(
    actions: tuple[str, ...],
    subjects: tuple[str, ...],
    fields: tuple[str, ...] | None,
    inverted: bool,
    reason: str | None,
    schema: Schema | None,
) -> _Shape:
    action_set, subject_set = _names("actions", actions), _names("subjects", subjects)
    covers = None
    if fields is not None:
        _names("fields", fields)
        covers = field_matcher(fields)
    _check_outcome(inverted, reason)
    declared = None if schema is None else _check_schema(fields, action_set, subject_set, schema)
    return _Shape(action_set, subject_set, covers, declared)


def _check_tuple(part: str, names: object) -> None:
    if not isinstance(names, tuple) or not names:
        raise InvalidRule(f"{part}: a non-empty tuple of names is expected, not {names!r}")


def _names(part: str, names: tuple[object, ...]) -> frozenset[str]:
    found = [name for name in names if isinstance(name, str) and name and "," not in name]
    if not names or len(found) < len(names):
        raise InvalidRule(f"{part}: a name is non-empty text without a comma; got {names!r}")
    return frozenset(found)


def _check_outcome(inverted: object, reason: object) -> None:
    if not isinstance(inverted, bool):
        raise InvalidRule(f"inverted: true or false is expected, not {inverted!r}")
    if reason is not None and not (isinstance(reason, str) and reason):
        raise InvalidRule(f"reason: non-empty text is expected, not {reason!r}")


def _check_schema(
    fields: tuple[str, ...] | None, actions: frozenset[str], subjects: frozenset[str], schema: Schema
) -> list[Mapping[str, JsonType]]:
    if not actions <= schema.actions and (unknown := actions - schema.actions - {ANY_ACTION}):
        raise InvalidRule(f"actions: unknown action {min(unknown)!r}")
    if ANY_SUBJECT in subjects:
        subjects |= schema.subjects.keys()
    declared = []
    for subject in subjects - {ANY_SUBJECT}:
        if subject not in schema.subjects:
            raise InvalidRule(f"subjects: unknown subject type {subject!r}")
        declared.append(schema.subjects[subject])
    for field in fields or ():
        if "*" not in field and not all(_declares(attributes, field) for attributes in declared):
            raise InvalidRule(f"fields: {field!r} is not an attribute of every subject type of the rule")
    return declared


def _declares(attributes: Iterable[str], field: str) -> bool:
    return any(path == field or path.startswith(f"{field}.") for path in attributes)
