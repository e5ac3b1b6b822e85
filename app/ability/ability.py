"""The ability engine: which of a principal's rules decides, as @casl/ability decides it.

Candidates are read last written first and the first that applies decides, be it a grant or a denial; without
one the answer is no. Two traps of CASL are closed: a question about one subject and one about its type are
different functions, and every rule is checked when the ability is built.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from app.ability.js_values import Attributes
from app.ability.rules import ANY_ACTION, ANY_SUBJECT, CompiledRule, Rule, Schema, compile_rule


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
        self.compiled: Final = tuple([compile_rule(index, rule, schema) for index, rule in enumerate(self.rules)])
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
