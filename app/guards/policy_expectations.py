"""Expectations of the policy: what it must answer, written in YAML by people who need not program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from app.ability.ability import Decision, Subject
from app.auth.principal import ANONYMOUS, Membership, Principal, PrincipalUser
from app.guards.policy import ID_ATTRIBUTES, NAMED_BY_USER_ID, OWNER_ATTRIBUTES, SCHEMA, ability_for
from app.guards.policy_report import deciding_line
from app.guards.roles import LANGUAGE_ROLES

OneOrMore: TypeAlias = str | list[str]

EVERY_ACTION: Final = "anything"
# The roles that each word for a membership stands for.
ROLES_OF_WORD: Final[Mapping[str, tuple[str, ...]]] = {"member": (), **{role: (role,) for role in LANGUAGE_ROLES}}

_MEMBERSHIP: Final = re.compile(rf"({'|'.join(ROLES_OF_WORD)}) of ([A-Za-z0-9-]+)")
_SELF: Final = UUID("00000000-0000-7000-8000-000000000001")
_OTHER: Final = UUID("00000000-0000-7000-8000-000000000002")
_ONBOARDED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_OWNED: Final = {**{name: ID_ATTRIBUTES[name] for name in NAMED_BY_USER_ID}, **OWNER_ATTRIBUTES}
_OWNERS: Final = {"own": _SELF, "another": _OTHER}


class Expectation(Struct, forbid_unknown_fields=True):
    """Each of `who` may or may not do each `action` on each `subject`; `reason` is that of a denial, if given."""

    who: OneOrMore
    action: OneOrMore
    subject: OneOrMore
    allowed: bool
    field: str | None = None
    reason: str | None = None


class InvalidExpectations(Exception):  # noqa: N818 - expectations that are invalid
    """The file cannot be used; each line of `lines` names an expectation by its number, from 1."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class PolicyTestReport(Struct, frozen=True):
    """How many answers were compared, and a line for each that is not the expected one."""

    checked: int
    failures: list[str]


def read_expectations(text: bytes) -> list[Expectation]:
    """The expectations of a YAML file. Raises InvalidExpectations with every mistake."""
    try:
        items = msgspec.yaml.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidExpectations([f"not YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(items, list) or not items:
        raise InvalidExpectations(["a list of expectations is expected: who, action, subject, allowed"])
    expectations, mistakes = [], []
    for number, item in enumerate(items, 1):
        try:
            expectations.append(msgspec.convert(item, Expectation))
        except msgspec.ValidationError as error:
            mistakes.append(f"expectation {number}: {str(error).replace('`', '')}")
    if mistakes:
        raise InvalidExpectations(mistakes)
    return expectations


def check_expectations(expectations: list[Expectation]) -> PolicyTestReport:
    """Compare the policy's answers with the expectations.

    Raises InvalidExpectations for people, actions and subjects that the policy does not know.
    """
    checked, failures, mistakes = 0, [], []
    for number, expectation in enumerate(expectations, 1):
        for who, action, subject in product(*map(_several, _asked(expectation))):
            try:
                failure = _failure(expectation, who, action, subject)
            except ValueError as error:
                mistakes.append(f"expectation {number}: {error}")
                continue
            checked += 1
            if failure:
                failures.append(f"expectation {number}: {failure}")
    if mistakes:
        raise InvalidExpectations(list(dict.fromkeys(mistakes)))
    return PolicyTestReport(checked, failures)


def principal_described_by(who: str, user_id: UUID = _SELF) -> Principal:
    """The principal that words like `platform admin and translator of de` describe. Raises ValueError for others."""
    if who in {"anonymous", "suspended"}:  # no credential of a suspended user is taken
        return ANONYMOUS
    roles: dict[str, tuple[str, ...]] = {}
    words = set()
    for part in who.split(" and "):
        if found := _MEMBERSHIP.fullmatch(part):
            role, code = found.groups()
            roles[code] = roles.get(code, ()) + ROLES_OF_WORD[role]
        elif part in {"user", "onboarding", "platform admin", "service account"}:
            words.add(part)
        else:
            raise ValueError(
                f"who: {part!r} is none of anonymous, suspended, onboarding, user, platform admin, service account, "
                f"and {' or '.join(ROLES_OF_WORD)} of a language"
            )
    user = PrincipalUser(
        id=user_id,
        email="somebody@example.org",
        name="Somebody",
        phone=None,
        platform_role="admin" if "platform admin" in words else None,
        onboarded_at=None if "onboarding" in words else _ONBOARDED_AT,
        kind="service" if "service account" in words else "person",
    )
    return Principal(user, memberships=tuple([Membership(code, held) for code, held in sorted(roles.items())]))


def _asked(expectation: Expectation) -> tuple[OneOrMore, OneOrMore, OneOrMore]:
    every = expectation.action == EVERY_ACTION
    return expectation.who, sorted(SCHEMA.actions) if every else expectation.action, expectation.subject


def _several(words: OneOrMore) -> list[str]:
    return [words] if isinstance(words, str) else words


def _failure(expectation: Expectation, who: str, action: str, subject: str) -> str | None:
    principal = principal_described_by(who)
    decision = _decide(principal, action, _subject(subject), expectation.field)
    question = f"{who}: {action} {subject}" + (f", field {expectation.field}" if expectation.field else "")
    if decision.allowed is not expectation.allowed:
        line = deciding_line(principal, decision)
        decided = f"line {line} of the policy {'allows' if decision.allowed else 'forbids'} it"
        expected = "allowed" if expectation.allowed else "not allowed"
        return f"{question}: expected {expected}, but {decided if line else 'no line of the policy allows it'}"
    if expectation.reason and expectation.reason != decision.reason:
        return f"{question}: expected the reason {expectation.reason!r}, but it is {decision.reason!r}"
    return None


def _decide(principal: Principal, action: str, subject: Subject | str, field: str | None) -> Decision:
    ability = ability_for(principal)
    if field is not None and field not in SCHEMA.subjects[subject if isinstance(subject, str) else subject.type]:
        raise ValueError(f"field: the policy knows no {field!r} of this subject")
    if isinstance(subject, str):
        return ability.decide_some(action, subject, field)
    return ability.decide(action, subject, field)


def _subject(words: str) -> Subject | str:
    """The subject that words like `Language de`, `own User` or `another Key` mean; a type alone is the type."""
    if words in SCHEMA.subjects:
        return words
    first, _, last = words.partition(" ")
    if last in _OWNED and first in _OWNERS:
        return Subject(last, {_OWNED[last]: str(_OWNERS[first])})
    if first in ID_ATTRIBUTES and first not in _OWNED and last:
        return Subject(first, {ID_ATTRIBUTES[first]: last})
    raise ValueError(
        f"subject: {words!r} is no type ({', '.join(SCHEMA.subjects)}), nor like 'Language de', 'Translation de', "
        "'own User' or 'another Session'"
    )
