"""Why an answer is what it is: the deciding rule, and for every other rule why it did not decide."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from app.ability.ability import Ability, Decision, Subject
from app.ability.js_values import MISSING
from app.ability.rules import CompiledRule, Rule

Verdict: TypeAlias = Literal["decides", "action", "subject", "field", "conditions", "overruled"]


class FailedCondition(Struct, frozen=True):
    """A part of a rule's conditions that does not hold; `actual` is unset if there is no such attribute."""

    path: str
    operator: str
    expected: object
    actual: object | UnsetType = UNSET


class RuleVerdict(Struct, frozen=True):
    """What became of one rule: it `decides`, or the first thing that kept it from deciding.

    `action`, `subject` and `field`: the rule is about another one. `conditions`: those in `failed` do not
    hold; about a type none fail, but a denial with conditions is passed over. `overruled`: it applies, but a rule
    written later decided before it.
    """

    index: int
    rule: Rule
    verdict: Verdict
    failed: tuple[FailedCondition, ...] = ()


class Explanation(Struct, frozen=True):
    """A decision with the verdict on each rule, in the order in which the rules are written."""

    decision: Decision
    rules: tuple[RuleVerdict, ...]


def explain(ability: Ability, action: str, subject: Subject | str, field: str | None = None) -> Explanation:
    """Explain the answer of `ability.decide`, or of `ability.decide_some` where `subject` is the name of a type.

    Raises as they do. The values show the rules and the subject's attributes: only for who may see both.
    """
    if isinstance(subject, str):
        decision = ability.decide_some(action, subject, field)
    else:
        decision = ability.decide(action, subject, field)
    verdicts = [_verdict(rule, decision, action, subject, field) for rule in ability.compiled]
    return Explanation(decision, tuple(verdicts))


def _verdict(
    compiled: CompiledRule, decision: Decision, action: str, subject: Subject | str, field: str | None
) -> RuleVerdict:
    verdict: Verdict = "overruled"
    failed: tuple[FailedCondition, ...] = ()
    if compiled.index == decision.rule:
        verdict = "decides"
    elif not compiled.names_action(action):
        verdict = "action"
    elif not compiled.names_subject(subject if isinstance(subject, str) else subject.type):
        verdict = "subject"
    elif not compiled.names_field(field):
        verdict = "field"
    elif isinstance(subject, str):
        verdict = "conditions" if compiled.inverted and compiled.conditions else "overruled"
    elif failed := _failed(compiled, subject.attributes):
        verdict = "conditions"
    return RuleVerdict(compiled.index, compiled.rule, verdict, failed)


def _failed(compiled: CompiledRule, attributes: Mapping[str, object]) -> tuple[FailedCondition, ...]:
    if compiled.conditions is None:
        return ()
    return tuple(
        [
            FailedCondition(part.path, part.operator, part.value, UNSET if actual is MISSING else actual)
            for part, actual in compiled.conditions.failing(attributes)
        ]
    )
