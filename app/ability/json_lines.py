"""Decisions for rules that come as JSON lines: the engine without a schema, for other programs and tests."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from app.ability.ability import Ability, Decision, Subject
from app.ability.casl import from_casl, unpack
from app.ability.condition_parsing import InvalidRule
from app.ability.rules import Rule


class Check(Struct, rename="camel"):
    """One question; without a subject it is about the type, without a field about at least one field."""

    action: str
    subject_type: str
    subject: dict[str, object] | None = None
    field: str | None = None


class Case(Struct):
    """One line: rules in CASL's raw or packed form, and the questions to ask of them. Other keys are passed over."""

    rules: list[object]
    checks: list[Check]


class Decisions(Struct):
    """The answer to a line: one decision for each check, in their order."""

    decisions: list[Decision]


class Fault(Struct):
    """The answer to a line that cannot be decided."""

    error: str


def answer(line: bytes) -> bytes:
    """The JSON answer to one JSON line, as @casl/ability decides: `Decisions`, or `Fault` for what is not a valid case.

    No names or attributes are unknown, operators are those of the engine. Never raises, whatever the bytes.
    """
    try:
        case = msgspec.json.decode(line, type=Case)
        ability = Ability(_rules(case.rules))
        return msgspec.json.encode(Decisions([decide(ability, check) for check in case.checks]))
    except (InvalidRule, msgspec.MsgspecError, UnicodeDecodeError) as error:
        return msgspec.json.encode(Fault(str(error)))
    except RecursionError:
        return msgspec.json.encode(Fault("the line is nested too deeply"))


def decide(ability: Ability, check: Check) -> Decision:
    """The answer to one question. Raises as the ability does."""
    field = check.field or None  # CASL takes an empty field for none
    if check.subject is None:
        return ability.decide_some(check.action, check.subject_type, field)
    return ability.decide(check.action, Subject(check.subject_type, check.subject), field)


def _rules(rules: list[object]) -> tuple[Rule, ...]:
    return unpack(rules) if rules and isinstance(rules[0], list) else from_casl(rules)
