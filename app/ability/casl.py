"""CASL's own forms of rules: raw rules in and out, packed rules in and out.

Reading is strict where CASL is lenient: a rule without a subject would mean `all` there, and unknown keys
would be ignored. Names and conditions are checked when an `Ability` is built from the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from app.ability.ability import Ability
from app.ability.condition_parsing import InvalidRule
from app.ability.conditions import Conditions
from app.ability.rules import CompiledRule, Rule

RawRule: TypeAlias = dict[str, object]
PackedRule: TypeAlias = list[object]

_PACKED_LENGTHS: Final = range(2, 7)


class _Raw(msgspec.Struct, forbid_unknown_fields=True):
    action: str | list[str]
    subject: str | list[str]
    conditions: dict[str, object] | None = None
    fields: str | list[str] | None = None
    inverted: bool = False
    reason: str | None = None


def from_casl(raw: object) -> tuple[Rule, ...]:
    """Read a list of raw CASL rules, for example from JSON.

    Raises InvalidRule for a missing action or subject, an unknown key, or a value of the wrong type.
    """
    try:
        rules = msgspec.convert(raw, list[_Raw])
    except msgspec.ValidationError as error:
        raise InvalidRule(f"raw rules: {error}") from None
    return tuple([_rule(rule) for rule in rules])


def unpack(packed: object) -> tuple[Rule, ...]:
    """Read what CASL's `packRules` writes (the same in versions 6.8.1 and 7.0.1; CASL does not promise it).

    Raises InvalidRule for a rule that is not a list of two to six entries of the right types.
    """
    if not isinstance(packed, list | tuple):
        raise InvalidRule("packed rules: a list is expected")
    return from_casl([_unpack_one(index, entry) for index, entry in enumerate(packed)])


def export(ability: Ability) -> list[RawRule]:
    """The rules as raw CASL rules in plain JSON: `@casl/ability` 6 and 7 load them and decide alike.

    The client must keep null attributes in its subjects (the majors differ on missing ones) and name their
    type with `subject()`. The export shows its reader everything in the rules, the ids of denials included.
    """
    return [_export_one(rule) for rule in ability.compiled]


def pack(ability: Ability) -> list[PackedRule]:
    """The rules as `packRules` would write them."""
    return [_pack_one(rule) for rule in export(ability)]


def _rule(raw: _Raw) -> Rule:
    return Rule(
        actions=_tuple(raw.action),
        subjects=_tuple(raw.subject),
        conditions=raw.conditions,
        fields=None if raw.fields is None else _tuple(raw.fields),
        inverted=raw.inverted,
        reason=raw.reason,
    )


def _tuple(names: str | list[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _export_one(compiled: CompiledRule) -> RawRule:
    rule = compiled.rule
    raw: RawRule = {"action": list(rule.actions), "subject": list(rule.subjects)}
    if compiled.conditions is not None:
        raw["conditions"] = _export_conditions(compiled.conditions)
    if rule.fields is not None:
        raw["fields"] = list(rule.fields)
    if rule.inverted:
        raw["inverted"] = True
    if rule.reason is not None:
        raw["reason"] = rule.reason
    return raw


def _export_conditions(conditions: Conditions) -> dict[str, object]:
    operators: dict[str, dict[str, object]] = {}
    for part in conditions.parts:
        value = list(part.value) if isinstance(part.value, tuple) else part.value
        operators.setdefault(part.path, {})[part.operator] = value
    # Equality alone is written plainly, because that is what CASL's `rulesToFields` reads.
    return {path: found["$eq"] if found.keys() == {"$eq"} else found for path, found in operators.items()}


def _pack_one(raw: RawRule) -> PackedRule:
    fields = raw.get("fields")
    packed: PackedRule = [
        _joined(raw["action"]),
        _joined(raw["subject"]),
        raw.get("conditions", 0),
        int("inverted" in raw),
        0 if fields is None else _joined(fields),
        raw.get("reason", ""),
    ]
    while not packed[-1]:
        packed.pop()
    return packed


def _joined(names: object) -> str:
    return ",".join(names) if isinstance(names, list) else str(names)


def _unpack_one(index: int, entry: object) -> RawRule:
    if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) not in _PACKED_LENGTHS:
        raise InvalidRule(f"packed rule {index}: a list of two to six entries is expected")
    action, subject, conditions, inverted, fields, reason = (*entry, None, None, None, None)[:6]
    if not isinstance(action, str) or not isinstance(subject, str):
        raise InvalidRule(f"packed rule {index}: action and subject are text with commas")
    if not (_is_absent(conditions) or isinstance(conditions, Mapping)):
        raise InvalidRule(f"packed rule {index}: conditions are an object or 0")
    if not _is_absent(inverted) and inverted not in (True, 1):
        raise InvalidRule(f"packed rule {index}: inverted is 0 or 1")
    if not (_is_absent(fields) or isinstance(fields, str)):
        raise InvalidRule(f"packed rule {index}: fields are text with commas or 0")
    return {
        "action": action.split(","),
        "subject": subject.split(","),
        "conditions": conditions or None,
        "fields": fields.split(",") if isinstance(fields, str) else None,
        "inverted": bool(inverted),
        "reason": reason or None,
    }


def _is_absent(entry: object) -> bool:
    return entry is None or (entry == 0 and isinstance(entry, int))
