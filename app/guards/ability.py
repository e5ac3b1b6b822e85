"""The ability engine: which of a principal's rules decides, as @casl/ability decides it.

Candidates are read last written first and the first that applies decides, be it a grant or a denial; without
one the answer is no. Two traps of CASL are closed: a question about one subject and one about its type are
different functions, and every rule is checked when the ability is built.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from app.guards.conditions import JSON_TYPES, Conditions, InvalidRule, JsonType, check_path, parse
from app.guards.fields import FieldMatcher, field_matcher
from app.guards.values import Attributes

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


class Subject(msgspec.Struct, frozen=True):
    """One thing a question is about: `Subject("Language", {"code": "de"})`.

    The type is given by the caller and never read from the data, so that a request body cannot choose it.
    """

    type: str
    attributes: Attributes


class Decision(msgspec.Struct, frozen=True):
    """The answer, the index of the deciding rule (None: no rule applied) and a denial's reason."""

    allowed: bool
    rule: int | None = None
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


class Ability:
    """The compiled rules of one principal.

    Raises InvalidRule (with the rule's index and part) for empty or unknown names, names with a comma (packed
    rules are split at it), unknown operators, undeclared attributes and mistyped values. Without a schema all
    names and attributes are taken. Later changes to the rules' mappings have no effect.
    """

    __slots__ = ("_candidates", "compiled", "rules", "schema")

    def __init__(self, rules: Iterable[Rule], schema: Schema | None = None) -> None:
        self.rules: Final = tuple(rules)
        self.schema: Final = schema
        self.compiled: Final = tuple([_compile(index, rule, schema) for index, rule in enumerate(self.rules)])
        self._candidates: Final[dict[tuple[str, str], tuple[CompiledRule, ...]]] = {}

    def can(self, action: str, subject: Subject, field: str | None = None) -> bool:
        """Whether `action` is allowed on this subject. Raises as `decide` does."""
        rule = self._deciding(action, subject, field)
        return rule is not None and not rule.inverted

    def can_some(self, action: str, subject_type: str, field: str | None = None) -> bool:
        """Whether `action` may be allowed on some subject of the type. Raises as `decide_some` does.

        Never a permission for one subject: check that one with `can` (CASL guide, "Checking logic").
        """
        rule = self._deciding_some(action, subject_type, field)
        return rule is not None and not rule.inverted

    def can_every(self, action: str, subject_type: str, field: str | None = None) -> bool:
        """Whether `action` is allowed on every subject of the type, whatever its attributes.

        A conditional grant does not count and any denial above the unconditional grant answers no.
        """
        _check_type(subject_type)
        for rule in self._asked(action, subject_type, field):
            if rule.inverted:
                return False
            if rule.conditions is None:
                return True
        return False

    def decide(self, action: str, subject: Subject, field: str | None = None) -> Decision:
        """The answer on this subject with the deciding rule and, for a denial, its reason.

        Without a field the answer is about at least one field (CASL 1.4); writing needs a check per field.
        Raises TypeError for anything but a `Subject`, and with a schema ValueError for names it does not know
        and MissingAttribute for a subject without an attribute that a rule reads.
        """
        return _decision(self._deciding(action, subject, field))

    def decide_some(self, action: str, subject_type: str, field: str | None = None) -> Decision:
        """The answer on the type: a conditional grant counts, a conditional denial is passed over.

        Raises TypeError for anything but a name, and with a schema ValueError for names it does not know.
        """
        return _decision(self._deciding_some(action, subject_type, field))

    def permitted_fields(self, action: str, subject: Subject | str, all_fields: Iterable[str]) -> tuple[str, ...]:
        """Those of `all_fields` on which `action` is allowed, in their order.

        CASL's `permittedFieldsOf`, but a pattern counts for the fields it covers, and only those appear.
        """
        if isinstance(subject, str):
            return tuple([field for field in all_fields if self.can_some(action, subject, field)])
        return tuple([field for field in all_fields if self.can(action, subject, field)])

    def possible_rules(self, action: str, subject_type: str) -> tuple[CompiledRule, ...]:
        """All rules on the action and type, last written first; fields and conditions are not looked at.

        With a schema, raises ValueError for an action or type that it does not know.
        """
        found = self._candidates.get((action, subject_type))
        if found is None:
            self._check_known(action, subject_type)
            found = tuple(
                [
                    rule
                    for rule in reversed(self.compiled)
                    if rule.names_action(action) and rule.names_subject(subject_type)
                ]
            )
            self._candidates[action, subject_type] = found
        return found

    def _deciding(self, action: str, subject: Subject, field: str | None) -> CompiledRule | None:
        if subject.__class__ is not Subject:
            raise TypeError(f"a Subject is expected, not {subject!r}; about a type ask can_some")
        for rule in self._asked(action, subject.type, field):
            if rule.conditions is None or rule.conditions.matches(subject.attributes):
                return rule
        return None

    def _deciding_some(self, action: str, subject_type: str, field: str | None) -> CompiledRule | None:
        _check_type(subject_type)
        for rule in self._asked(action, subject_type, field):
            if rule.conditions is None or not rule.inverted:
                return rule
        return None

    def _asked(self, action: str, subject_type: str, field: str | None) -> Iterable[CompiledRule]:
        if field is not None and not (field and isinstance(field, str)):
            raise TypeError(f"a field is a non-empty name, not {field!r}")
        rules = self.possible_rules(action, subject_type)
        for rule in rules:
            if rule.covers is not None:
                return [rule for rule in rules if rule.names_field(field)]
        return rules

    def _check_known(self, action: str, subject_type: str) -> None:
        if self.schema is None:
            return
        if action != ANY_ACTION and action not in self.schema.actions:
            raise ValueError(f"unknown action {action!r}")
        if subject_type != ANY_SUBJECT and subject_type not in self.schema.subjects:
            raise ValueError(f"unknown subject type {subject_type!r}")


def _check_type(subject_type: object) -> None:
    if not isinstance(subject_type, str):
        raise TypeError(f"the name of a subject type is expected, not {subject_type!r}; about one subject ask can")


def _decision(rule: CompiledRule | None) -> Decision:
    if rule is None:
        return Decision(allowed=False)
    return Decision(not rule.inverted, rule.index, rule.rule.reason if rule.inverted else None)


def _compile(index: int, rule: Rule, schema: Schema | None) -> CompiledRule:
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
