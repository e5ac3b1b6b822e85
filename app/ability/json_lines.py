"""Decisions on JSON lines, for programs in other languages: rules and checks in, decisions out, no schema."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from app.ability.ability import Ability, Decision, Subject
from app.ability.casl import from_casl, unpack_rules
from app.ability.condition_parsing import InvalidRule
from app.ability.rules import Rule


class Check(Struct, rename="camel"):
    """One question. Without a subject it is about the type, without a field about at least one field."""

    action: str
    subject_type: str
    subject: dict[str, object] | None = None
    field: str | None = None


class DecisionRequest(Struct):
    """An input line: rules in CASL's raw or packed format, and the questions to decide. Other keys are ignored."""

    rules: list[object]
    checks: list[Check]


class DecisionResponse(Struct):
    """The output line for a valid request: one decision for each check, in the same order."""

    decisions: list[Decision]


class ErrorResponse(Struct):
    """The output line for an invalid request."""

    error: str


def decide_line(line: bytes) -> bytes:
    """Decide a `DecisionRequest` in JSON. Returns a `DecisionResponse`, or an `ErrorResponse` if the line is invalid.

    Every action, subject type and attribute is allowed; unknown operators are an error. Never raises.
    """
    try:
        request = msgspec.json.decode(line, type=DecisionRequest)
        ability = Ability(_read_rules(request.rules))
        return msgspec.json.encode(DecisionResponse([decide_check(ability, check) for check in request.checks]))
    except (InvalidRule, msgspec.MsgspecError, UnicodeDecodeError) as error:
        return msgspec.json.encode(ErrorResponse(str(error)))
    except RecursionError:
        return msgspec.json.encode(ErrorResponse("the line is nested too deeply"))


def decide_check(ability: Ability, check: Check) -> Decision:
    """The decision on one check. Raises as `Ability.decide` and `Ability.decide_some` do."""
    field = check.field or None  # an empty field means no field in CASL
    if check.subject is None:
        return ability.decide_some(check.action, check.subject_type, field)
    return ability.decide(check.action, Subject(check.subject_type, check.subject), field)


def _read_rules(rules: list[object]) -> tuple[Rule, ...]:
    is_packed = bool(rules) and isinstance(rules[0], list)
    return unpack_rules(rules) if is_packed else from_casl(rules)
