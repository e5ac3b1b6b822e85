"""Reports on the policy: its table as data, and explanations of its answers."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from app.ability.ability import Decision, Subject
from app.ability.explain import ExplainedRule, FailedCondition, Verdict, explain
from app.auth.principal import Principal
from app.guards.policy import ID_ATTRIBUTES, NOTES, OWNER_ATTRIBUTES, POLICY, Row, ability_for, is_onboarded, rows_for

Standing: TypeAlias = Literal["active", "onboarding", "suspended"]
LineVerdict: TypeAlias = Verdict | Literal["who"]

NAMED_BY: Mapping[str, str] = {**ID_ATTRIBUTES, **OWNER_ATTRIBUTES}


class Line(Struct, frozen=True):
    """One line of the policy: `may` is false for what it forbids, null `which` is all, null `fields` is every field.

    The action `manage` is every action and the subject `all` every type.
    """

    line: int
    who: str
    may: bool
    actions: tuple[str, ...]
    subjects: tuple[str, ...]
    which: str | None
    fields: tuple[str, ...] | None
    reason: str | None


class ExplainedLine(Line, frozen=True):
    """A line and its verdict: the line `decides`, or the first reason why the line did not decide.

    `who`: the line is about other people. `action`, `subject` and `field`: the line is about another one. `conditions`:
    the line is about other subjects than this one, as `failed` shows. `overruled`: the line applies, but a later line
    decided.
    """

    verdict: LineVerdict
    failed: tuple[FailedCondition, ...] = ()


class PolicyTable(Struct, frozen=True):
    """The whole policy: its lines in the order in which they are written, and how to read them."""

    lines: list[Line]
    notes: tuple[str, ...] = NOTES


class PolicyExplanation(Struct, frozen=True, rename="camel"):
    """An answer of the policy, the number of the line that decided it (null: none applies) and all lines."""

    allowed: bool
    reason: str | None
    standing: Standing
    decided_by: int | None
    lines: list[ExplainedLine]


def policy_table() -> PolicyTable:
    """The policy as data."""
    return PolicyTable([_line(number, row) for number, row in enumerate(POLICY, 1)])


def subject_named(subject_type: str, id_: str | None) -> Subject | str:
    """The subject of a question; without `id_`, the type.

    `id_` is the code of a language (for a translation, of its language) or the id of a user (for a session or key, of
    its owner).
    """
    return subject_type if id_ is None else Subject(subject_type, {NAMED_BY[subject_type]: id_})


def explain_policy(
    principal: Principal, action: str, subject: Subject | str, field: str | None = None
) -> PolicyExplanation:
    """Why `principal`, as `find_principal` returns it, may or may not do `action`; a type's name asks about the type.

    Raises ValueError for an action or subject type that the policy does not know. The answer shows the principal's
    memberships: only for readers who may see those.
    """
    explanation = explain(ability_for(principal), action, subject, field)
    explained = dict(zip(rows_for(principal), explanation.rules, strict=True))
    return PolicyExplanation(
        allowed=explanation.decision.allowed,
        reason=explanation.decision.reason,
        standing=standing(principal),
        decided_by=deciding_line(principal, explanation.decision),
        lines=[_explained(_line(number, row), explained.get(row)) for number, row in enumerate(POLICY, 1)],
    )


def deciding_line(principal: Principal, decision: Decision) -> int | None:
    """The number, from 1, of the policy's line behind a decision of this principal's ability."""
    return None if decision.rule is None else POLICY.index(rows_for(principal)[decision.rule]) + 1


def standing(principal: Principal) -> Standing:
    """The state of the account. Only the principal of a suspended account has no `user`."""
    if principal.user is None:
        return "suspended"
    return "active" if is_onboarded(principal) else "onboarding"


def _line(number: int, row: Row) -> Line:
    return Line(number, row.who, not row.forbidden, row.actions, row.subjects, row.which, row.fields, row.reason)


def _explained(line: Line, rule: ExplainedRule | None) -> ExplainedLine:
    if rule is None:
        return ExplainedLine(**structs.asdict(line), verdict="who")
    return ExplainedLine(**structs.asdict(line), verdict=rule.verdict, failed=rule.failed)
