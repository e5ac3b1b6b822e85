"""Explains a decision: the deciding rule, and for every other rule why that rule did not decide."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from app.ability.ability import Ability, Decision, Subject
from app.ability.js_values import MISSING
from app.ability.rules import CompiledRule, Rule

Verdict: TypeAlias = Literal["decides", "action", "subject", "field", "conditions", "overruled"]


class FailedCondition(Struct, frozen=True):
    """A condition of a rule that the subject does not meet; `actual` is unset if the attribute is missing."""

    path: str
    operator: str
    expected: object
    actual: object | UnsetType = UNSET


class ExplainedRule(Struct, frozen=True):
    """A rule that `decides`, or the first cause why it does not decide.

    `action`, `subject`, `field`: the rule is about another one. `conditions`: the subject does not meet the
    conditions in `failed`; for a question about a type `failed` is empty, and the rule is a denial with conditions.
    `overruled`: the rule applies, but a rule written later decides.
    """

    index: int
    rule: Rule
    verdict: Verdict
    failed: tuple[FailedCondition, ...] = ()


class Explanation(Struct, frozen=True):
    """A decision and the explanation of each rule, in the order in which the rules are written."""

    decision: Decision
    rules: tuple[ExplainedRule, ...]


def explain(ability: Ability, action: str, subject: Subject | str, field: str | None = None) -> Explanation:
    """Explain the answer of `ability.decide`, or of `ability.decide_some` if `subject` is the name of a type.

    Raises as those do. The explanation contains the rules and the subject's attributes: show it only to readers
    who may see both.
    """
    if isinstance(subject, str):
        decision = ability.decide_some(action, subject, field)
    else:
        decision = ability.decide(action, subject, field)
    explained = [_explain_rule(rule, decision, action, subject, field) for rule in ability.compiled_rules]
    return Explanation(decision, tuple(explained))


def _explain_rule(
    rule: CompiledRule, decision: Decision, action: str, subject: Subject | str, field: str | None
) -> ExplainedRule:
    verdict: Verdict = "overruled"
    failed: tuple[FailedCondition, ...] = ()
    if rule.index == decision.rule:
        verdict = "decides"
    elif not rule.rule.matches_action(action):
        verdict = "action"
    elif not rule.rule.matches_subject_type(subject if isinstance(subject, str) else subject.type):
        verdict = "subject"
    elif not rule.matches_field(field):
        verdict = "field"
    elif isinstance(subject, str):
        verdict = "conditions" if rule.inverted and rule.conditions else "overruled"
    elif failed := _failed_conditions(rule, subject.attributes):
        verdict = "conditions"
    return ExplainedRule(rule.index, rule.rule, verdict, failed)


def _failed_conditions(rule: CompiledRule, attributes: Mapping[str, object]) -> tuple[FailedCondition, ...]:
    if rule.conditions is None:
        return ()
    return tuple(
        [
            FailedCondition(condition.path, condition.operator, condition.value, UNSET if actual is MISSING else actual)
            for condition, actual in rule.conditions.failed(attributes)
        ]
    )
