"""The ability: decides on actions by the rules of one principal, as @casl/ability does.

The possible rules are read from the last written to the first. The first that applies decides, be it a grant or a
denial; if none applies, the answer is no. Unlike CASL, this engine has different functions for questions about one
subject and about a subject type, and checks every rule when the ability is built.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from app.ability.js_values import Attributes
from app.ability.rules import ANY_ACTION, ANY_SUBJECT, CompiledRule, Rule, Schema, compile_rule


class Subject(msgspec.Struct, frozen=True, gc=False):
    """One object that a question is about: `Subject("Invoice", {"status": "open"})`.

    The caller names the type. It is never read from the attributes, so that a request body cannot choose it.
    """

    type: str
    attributes: Attributes


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The answer, the index of the deciding rule (None if no rule applied) and, for a denial, its reason."""

    allowed: bool
    rule: int | None = None
    reason: str | None = None


class Ability:
    """The checked and compiled rules of one principal.

    Raises InvalidRule, with the rule's index and part, for empty or unknown names, names with a comma (CASL's packed
    rules separate names with commas), unknown operators, undeclared attributes and values of another type than
    declared. Without a schema any name and attribute is allowed. Changing the conditions of a rule after the build
    does not change the answers.
    """

    __slots__ = ("_compiled", "_possible_rules", "rules", "schema")

    def __init__(self, rules: Iterable[Rule], schema: Schema | None = None, *, checked: bool = False) -> None:
        """With `checked` the rules are known to be sound: each is compiled, and checked, when a question needs it."""
        self.rules: Final = tuple(rules)
        self.schema: Final = schema
        self._compiled: Final[dict[int, CompiledRule]] = {}
        self._possible_rules: Final[dict[tuple[str, str], tuple[CompiledRule, ...]]] = {}
        if not checked:
            _ = self.compiled_rules

    @property
    def compiled_rules(self) -> tuple[CompiledRule, ...]:
        """All rules, compiled, in their order."""
        return tuple([self._compiled_rule(index) for index in range(len(self.rules))])

    def can(self, action: str, subject: Subject, field: str | None = None) -> bool:
        """Whether `action` is allowed on this subject. Raises as `decide` does."""
        rule = self._relevant_rule(action, subject, field)
        return rule is not None and not rule.inverted

    def can_some(self, action: str, subject_type: str, field: str | None = None) -> bool:
        """Whether `action` may be allowed on some subject of the type. Raises as `decide_some` does.

        A yes is no permission for a particular subject: check that subject with `can`.
        """
        rule = self._relevant_rule_for_type(action, subject_type, field)
        return rule is not None and not rule.inverted

    def can_every(self, action: str, subject_type: str, field: str | None = None) -> bool:
        """Whether `action` is allowed on every subject of the type, whatever its attributes.

        The answer is yes if there is a grant without conditions and no denial written after it. Raises as
        `decide_some` does.
        """
        _require_type_name(subject_type)
        for rule in self._rules_for(action, subject_type, field):
            if rule.inverted:
                return False
            if rule.conditions is None:
                return True
        return False

    def decide(self, action: str, subject: Subject, field: str | None = None) -> Decision:
        """The answer on this subject, with the deciding rule and the reason of a denial.

        Without a field the answer is about at least one field of the subject, as in CASL: check each field that is
        written. Raises TypeError if `subject` is not a `Subject`. With a schema also raises ValueError for an unknown
        action or subject type, and MissingAttribute if the subject lacks an attribute that a rule reads.
        """
        return _to_decision(self._relevant_rule(action, subject, field))

    def decide_some(self, action: str, subject_type: str, field: str | None = None) -> Decision:
        """The answer on the type: a grant with conditions counts, a denial with conditions is passed over.

        Raises TypeError if `subject_type` is not a string, and with a schema ValueError for an unknown action or
        subject type.
        """
        return _to_decision(self._relevant_rule_for_type(action, subject_type, field))

    def possible_rules(self, action: str, subject_type: str) -> tuple[CompiledRule, ...]:
        """All rules on the action and type, last written first, whatever their fields and conditions.

        CASL's `possibleRulesFor`. With a schema, raises ValueError for an unknown action or subject type.
        """
        found = self._possible_rules.get((action, subject_type))
        if found is None:
            self._require_known(action, subject_type)
            found = tuple(
                [
                    self._compiled_rule(index)
                    for index in reversed(range(len(self.rules)))
                    if self.rules[index].matches_action(action) and self.rules[index].matches_subject_type(subject_type)
                ]
            )
            self._possible_rules[action, subject_type] = found
        return found

    def _compiled_rule(self, index: int) -> CompiledRule:
        compiled = self._compiled.get(index)
        if compiled is None:
            compiled = self._compiled[index] = compile_rule(index, self.rules[index], self.schema)
        return compiled

    def _relevant_rule(self, action: str, subject: Subject, field: str | None) -> CompiledRule | None:
        """The rule that decides about the subject. CASL's `relevantRuleFor`."""
        if subject.__class__ is not Subject:
            raise TypeError(f"a Subject is expected, not {subject!r}; about a type ask can_some")
        for rule in self._rules_for(action, subject.type, field):
            if rule.conditions is None or rule.conditions.matches(subject.attributes):
                return rule
        return None

    def _relevant_rule_for_type(self, action: str, subject_type: str, field: str | None) -> CompiledRule | None:
        """The rule that decides about the type. CASL's `relevantRuleFor` with a type as subject."""
        _require_type_name(subject_type)
        for rule in self._rules_for(action, subject_type, field):
            if rule.conditions is None or not rule.inverted:
                return rule
        return None

    def _rules_for(self, action: str, subject_type: str, field: str | None) -> Iterable[CompiledRule]:
        """The possible rules that match the field, last written first. CASL's `rulesFor`."""
        if field is not None and not (field and isinstance(field, str)):
            raise TypeError(f"a field is a non-empty name, not {field!r}")
        rules = self.possible_rules(action, subject_type)
        for rule in rules:
            if rule.field_matcher is not None:
                return [rule for rule in rules if rule.matches_field(field)]
        return rules

    def _require_known(self, action: str, subject_type: str) -> None:
        if self.schema is None:
            return
        if action != ANY_ACTION and action not in self.schema.actions:
            raise ValueError(f"unknown action {action!r}")
        if subject_type != ANY_SUBJECT and subject_type not in self.schema.subjects:
            raise ValueError(f"unknown subject type {subject_type!r}")


def _require_type_name(subject_type: object) -> None:
    if not isinstance(subject_type, str):
        raise TypeError(f"the name of a subject type is expected, not {subject_type!r}; about one subject ask can")


def _to_decision(rule: CompiledRule | None) -> Decision:
    if rule is None:
        return Decision(allowed=False)
    return Decision(not rule.inverted, rule.index, rule.rule.reason if rule.inverted else None)
