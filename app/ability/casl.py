"""Rules in the formats of @casl/ability: raw rules (read and exported) and packed rules (read).

CASL takes a rule without a subject for a rule on `all`, and ignores unknown keys; both are refused here. Names and
conditions are checked later, when an `Ability` is built from the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from app.ability.ability import Ability
from app.ability.condition_parsing import InvalidRule
from app.ability.conditions import Conditions
from app.ability.rules import Rule

RawRule: TypeAlias = dict[str, object]

_PACKED_LENGTHS: Final = range(2, 7)


class _RawRuleFormat(msgspec.Struct, forbid_unknown_fields=True):
    """The keys of a raw rule and their types.

    As in rules from a database, a null or an empty text stands for an absent key, and 0 and 1 for false and true.
    """

    action: str | list[str]
    subject: str | list[str]
    conditions: dict[str, object] | str | None = None
    fields: str | list[str] | None = None
    inverted: bool | int | str | None = None
    reason: str | None = None


def from_casl(raw_rules: object) -> tuple[Rule, ...]:
    """Read a list of raw CASL rules, for example decoded JSON.

    As CASL does, it takes conditions, fields, inverted and reason for absent if they are null or an empty text, and
    takes 0 and 1 in `inverted`. Raises InvalidRule for a missing action or subject, an unknown key, a value of the
    wrong type, or JSON in a text.
    """
    try:
        checked = msgspec.convert(raw_rules, list[_RawRuleFormat])
    except msgspec.ValidationError as error:
        raise InvalidRule(f"raw rules: {error}") from None
    return tuple([_to_rule(index, raw) for index, raw in enumerate(checked)])


def unpack_rules(packed_rules: object) -> tuple[Rule, ...]:
    """Read the output of CASL's `packRules`, for example decoded JSON.

    The format is the same in versions 6.8.1 and 7.0.1, but CASL reserves the right to change it.
    Raises InvalidRule for a rule that is not a list of two to six entries of the right types.
    """
    if not isinstance(packed_rules, list | tuple):
        raise InvalidRule("packed rules: a list is expected")
    return from_casl([_unpack_rule(index, packed) for index, packed in enumerate(packed_rules)])


def export(ability: Ability) -> list[RawRule]:
    """The rules as raw CASL rules, JSON-ready: `@casl/ability` 6 and 7 load them and decide as the ability does.

    The client must keep null attributes in its subjects (6 and 7 differ on missing attributes) and name their type
    with `subject()`. The export contains every value of the rules, such as the ids that a denial names.
    """
    return [raw_rule(compiled.rule, _export_conditions(compiled.conditions)) for compiled in ability.compiled_rules]


def raw_rule(rule: Rule, conditions: Mapping[str, object] | None) -> RawRule:
    """The rule as a raw CASL rule, with `conditions` in place of its own."""
    raw: RawRule = {"action": list(rule.actions), "subject": list(rule.subjects)}
    if conditions is not None:
        raw["conditions"] = conditions
    if rule.fields is not None:
        raw["fields"] = list(rule.fields)
    if rule.inverted:
        raw["inverted"] = True
    if rule.reason is not None:
        raw["reason"] = rule.reason
    return raw


def _to_rule(index: int, raw: _RawRuleFormat) -> Rule:
    # CASL takes any text but the empty one for true, "0" and "false" included.
    if raw.inverted not in (None, "", 0, 1):
        raise InvalidRule(f"raw rule {index}: inverted is true, false, 1 or 0")
    if raw.conditions and not isinstance(raw.conditions, dict):
        raise InvalidRule(f"raw rule {index}: conditions are an object: decode JSON that comes as text")
    if any(_is_json(name) for names in (raw.action, raw.subject, raw.fields or ()) for name in _to_tuple(names)):
        raise InvalidRule(f"raw rule {index}: names are text or a list: decode JSON that comes as text")
    return Rule(
        actions=_to_tuple(raw.action),
        subjects=_to_tuple(raw.subject),
        conditions=raw.conditions if isinstance(raw.conditions, dict) else None,
        fields=None if raw.fields in (None, "") else _to_tuple(raw.fields),
        inverted=bool(raw.inverted),
        reason=raw.reason or None,
    )


def _is_json(name: str) -> bool:
    """Whether a name looks like JSON: a list or a text that somebody has encoded."""
    return name.strip().startswith(("[", '"'))


def _to_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _export_conditions(conditions: Conditions | None) -> dict[str, object] | None:
    if conditions is None:
        return None
    operators: dict[str, dict[str, object]] = {}
    for condition in conditions.field_conditions:
        value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
        operators.setdefault(condition.path, {})[condition.operator] = value
    # `$eq` alone is written as a plain value, the only form of equality that CASL's `rulesToFields` reads.
    return {path: found["$eq"] if found.keys() == {"$eq"} else found for path, found in operators.items()}


def _unpack_rule(index: int, packed: object) -> RawRule:
    if not isinstance(packed, Sequence) or isinstance(packed, str) or len(packed) not in _PACKED_LENGTHS:
        raise InvalidRule(f"packed rule {index}: a list of two to six entries is expected")
    action, subject, conditions, inverted, fields, reason = (*packed, None, None, None, None)[:6]
    if not isinstance(action, str) or not isinstance(subject, str):
        raise InvalidRule(f"packed rule {index}: action and subject are text with commas")
    if not (_is_null_or_zero(conditions) or isinstance(conditions, Mapping)):
        raise InvalidRule(f"packed rule {index}: conditions are an object or 0")
    if not _is_null_or_zero(inverted) and inverted not in (True, 1):
        raise InvalidRule(f"packed rule {index}: inverted is 0 or 1")
    if not (_is_null_or_zero(fields) or isinstance(fields, str)):
        raise InvalidRule(f"packed rule {index}: fields are text with commas or 0")
    return {
        "action": action.split(","),
        "subject": subject.split(","),
        "conditions": conditions or None,
        "fields": fields.split(",") if isinstance(fields, str) else None,
        "inverted": bool(inverted),
        "reason": reason or None,
    }


def _is_null_or_zero(entry: object) -> bool:
    """Whether the entry of a packed rule stands for an absent value."""
    return entry is None or (entry == 0 and isinstance(entry, int))
