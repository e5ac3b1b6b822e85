"""Rules and the schema that they are checked against."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from app.ability.condition_parsing import PYTHON_TYPES, AttributeTypes, InvalidRule, parse_conditions, split_path
from app.ability.conditions import Conditions
from app.ability.field_patterns import FieldMatcher, field_matcher

ANY_ACTION: Final = "manage"
ANY_SUBJECT: Final = "all"


class Rule(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A grant, or a denial if `inverted`. Without fields it covers every field, without conditions every subject."""

    actions: tuple[str, ...]
    subjects: tuple[str, ...]
    conditions: Mapping[str, object] | None = None
    fields: tuple[str, ...] | None = None
    inverted: bool = False
    reason: str | None = None

    def matches_action(self, action: str) -> bool:
        """Whether the rule names this action or `manage`."""
        return action in self.actions or ANY_ACTION in self.actions

    def matches_subject_type(self, subject_type: str) -> bool:
        """Whether the rule names this type or `all`."""
        return subject_type in self.subjects or ANY_SUBJECT in self.subjects


class Schema(msgspec.Struct, frozen=True, eq=False):
    """The names that rules may use: the actions, and for each subject type its attribute paths and their JSON types.

    Raises InvalidRule for a name or path that no rule may have.
    """

    actions: frozenset[str]
    subjects: Mapping[str, AttributeTypes]

    def __post_init__(self) -> None:
        _name_set("actions", tuple(self.actions - {ANY_ACTION}))
        _name_set("subjects", tuple(self.subjects))
        if ANY_SUBJECT in self.subjects:
            raise InvalidRule(f"subjects: {ANY_SUBJECT!r} is every type and declares no attributes")
        for subject_type, attribute_types in self.subjects.items():
            for path, json_type in attribute_types.items():
                split_path(path)
                if json_type not in PYTHON_TYPES:
                    raise InvalidRule(f"subjects.{subject_type}.{path}: {json_type!r} is not a JSON type")


class _RuleTarget(msgspec.Struct, frozen=True):
    """A checked rule without its conditions: equal for many principals, and therefore cached.

    `attribute_types` has the declared attributes of every subject type of the rule, None without a schema.
    """

    field_matcher: FieldMatcher | None
    attribute_types: list[AttributeTypes] | None


class CompiledRule(msgspec.Struct, frozen=True, gc=False):
    """A checked rule with its index in the ability. Without fields its `field_matcher` is None."""

    index: int
    rule: Rule
    field_matcher: FieldMatcher | None
    conditions: Conditions | None
    inverted: bool

    def matches_field(self, field: str | None) -> bool:
        """Whether the rule covers this field. None asks for any field: grants with fields match, denials do not."""
        if self.field_matcher is None:
            return True
        return not self.inverted if field is None else self.field_matcher(field)


def compile_rule(index: int, rule: Rule, schema: Schema | None) -> CompiledRule:
    """Check a rule and compile its fields and conditions. Raises InvalidRule with the rule's index and part."""
    try:
        # Checked before the cached call: a list is unhashable, and the names of a bare string would be its letters.
        _require_tuple("actions", rule.actions)
        _require_tuple("subjects", rule.subjects)
        if rule.fields is not None:
            _require_tuple("fields", rule.fields)
        target = _compile_target(rule.actions, rule.subjects, rule.fields, rule.inverted, rule.reason, schema)
        conditions = parse_conditions(rule.conditions, target.attribute_types)
    except InvalidRule as error:
        raise InvalidRule(f"rule {index}: {error}") from None
    return CompiledRule(index, rule, target.field_matcher, conditions, rule.inverted)


@lru_cache(maxsize=1024, typed=True)
def _compile_target(
    actions: tuple[str, ...],
    subjects: tuple[str, ...],
    fields: tuple[str, ...] | None,
    inverted: bool,
    reason: str | None,
    schema: Schema | None,
) -> _RuleTarget:
    action_set, subject_set = _name_set("actions", actions), _name_set("subjects", subjects)
    matcher = None
    if fields is not None:
        _name_set("fields", fields)
        matcher = field_matcher(fields)
    _check_inverted_and_reason(inverted, reason)
    attribute_types = None if schema is None else _check_against_schema(action_set, subject_set, fields, schema)
    return _RuleTarget(matcher, attribute_types)


def _require_tuple(part: str, names: object) -> None:
    if not isinstance(names, tuple) or not names:
        raise InvalidRule(f"{part}: a non-empty tuple of names is expected, not {names!r}")


def _name_set(part: str, names: tuple[object, ...]) -> frozenset[str]:
    """The names as a set. Raises InvalidRule for a name that is empty, not text, or has a comma."""
    valid = [name for name in names if isinstance(name, str) and name and "," not in name]
    if not names or len(valid) < len(names):
        raise InvalidRule(f"{part}: a name is non-empty text without a comma; got {names!r}")
    return frozenset(valid)


def _check_inverted_and_reason(inverted: object, reason: object) -> None:
    if not isinstance(inverted, bool):
        raise InvalidRule(f"inverted: true or false is expected, not {inverted!r}")
    if reason is not None and not (isinstance(reason, str) and reason):
        raise InvalidRule(f"reason: non-empty text is expected, not {reason!r}")


def _check_against_schema(
    actions: frozenset[str], subjects: frozenset[str], fields: tuple[str, ...] | None, schema: Schema
) -> list[AttributeTypes]:
    """Returns the declared attributes of every subject type of the rule."""
    if not actions <= schema.actions and (unknown := actions - schema.actions - {ANY_ACTION}):
        raise InvalidRule(f"actions: unknown action {min(unknown)!r}")
    if ANY_SUBJECT in subjects:
        subjects |= schema.subjects.keys()
    attribute_types = []
    for subject_type in subjects - {ANY_SUBJECT}:
        if subject_type not in schema.subjects:
            raise InvalidRule(f"subjects: unknown subject type {subject_type!r}")
        attribute_types.append(schema.subjects[subject_type])
    for field in fields or ():
        if "*" not in field and not all(_declares_field(paths, field) for paths in attribute_types):
            raise InvalidRule(f"fields: {field!r} is not an attribute of every subject type of the rule")
    return attribute_types


def _declares_field(paths: Iterable[str], field: str) -> bool:
    """Whether the field is a declared attribute path or a parent of one."""
    return any(path == field or path.startswith(f"{field}.") for path in paths)
