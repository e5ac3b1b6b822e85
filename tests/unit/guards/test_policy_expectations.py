"""Expectations in YAML: the project's policy meets them, and every failure and every mistake gets one line."""

from pathlib import Path

import pytest

from app.auth.principal import ANONYMOUS, Membership
from app.guards.policy_expectations import (
    InvalidExpectations,
    PolicyTestReport,
    check_expectations,
    principal_described_by,
    read_expectations,
)

POLICY = Path(__file__).parents[2] / "policy.yaml"


def check(text: str) -> PolicyTestReport:
    return check_expectations(read_expectations(text.encode()))


def mistakes(text: str) -> list[str]:
    """The lines of the error that invalid expectations raise."""
    with pytest.raises(InvalidExpectations) as raised:
        check(text)
    return raised.value.lines


def test_the_policy_answers_as_expected() -> None:
    outcome = check_expectations(read_expectations(POLICY.read_bytes()))
    assert outcome.failures == []
    assert outcome.checked > 1000


def test_an_unexpected_answer_is_reported_with_the_line_that_decides() -> None:
    outcome = check(
        """
        - {who: translator of de, action: translate, subject: [Language de, Language fr], allowed: yes}
        - {who: platform admin, action: translate, subject: Language de, allowed: yes}
        - {who: member of de, action: read, subject: Language de, allowed: no}
        """
    )
    assert outcome.checked == 4
    assert outcome.failures == [
        "expectation 1: translator of de: translate Language fr: expected allowed, but no line of the policy allows it",
        "expectation 2: platform admin: translate Language de: expected allowed, but line 2 of the policy forbids it",
        "expectation 3: member of de: read Language de: expected not allowed, but line 14 of the policy allows it",
    ]


def test_an_unexpected_reason_is_reported() -> None:
    outcome = check("[{who: user, action: update, subject: own User, field: status, allowed: no, reason: Because}]")
    (failure,) = outcome.failures
    assert failure.endswith(
        "expected the reason 'Because', but it is 'Nobody changes their own platform role or status'"
    )


def test_the_word_anything_stands_for_every_action() -> None:
    outcome = check("[{who: user, action: anything, subject: own User, allowed: no}]")
    assert outcome.checked == 6
    assert len(outcome.failures) == 3


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "a list of expectations is expected"),
        ("who: user", "a list of expectations is expected"),
        ("- [", "not YAML"),
        ("- &a [*b]", "not YAML"),
        ("- !!python/object/apply:os.getpid []", "not YAML"),
        ("- user", "expectation 1: Expected object, got str"),
        ("- {who: user, action: read, subject: User}", "missing required field allowed"),
        ("- {who: user, action: read, subject: User, allowed: maybe}", "Expected bool"),
        ("- {who: user, action: read, subject: User, allowed: no, why: x}", "unknown field why"),
        ("- {who: someone, action: read, subject: User, allowed: no}", "who: 'someone' is none of"),
        ("- {who: member of, action: read, subject: User, allowed: no}", "who: 'member of' is none of"),
        ("- {who: suspended and user, action: read, subject: User, allowed: no}", "who: 'suspended' is none of"),
        ("- {who: user, action: paint, subject: User, allowed: no}", "unknown action 'paint'"),
        ("- {who: user, action: read, subject: Fence, allowed: no}", "subject: 'Fence' is no type"),
        ("- {who: user, action: read, subject: User 7, allowed: no}", "subject: 'User 7' is no type"),
        ("- {who: user, action: read, subject: own Language, allowed: no}", "subject: 'own Language' is no type"),
        ("- {who: user, action: read, subject: User, field: nmae, allowed: no}", "field: the policy knows no 'nmae'"),
    ],
)
def test_an_invalid_expectation_is_refused(text: str, mistake: str) -> None:
    (line,) = mistakes(text)
    assert mistake in line


def test_every_mistake_gets_a_line() -> None:
    assert [line.partition(":")[0] for line in mistakes("[{who: a}, {who: user}, 1]")] == [
        "expectation 1",
        "expectation 2",
        "expectation 3",
    ]


def test_a_principal_has_exactly_what_the_words_name() -> None:
    assert principal_described_by("anonymous") == principal_described_by("suspended") == ANONYMOUS
    several = principal_described_by("platform admin and admin of fr and translator of de and admin of de")
    assert several.user is not None
    assert several.user.platform_role == "admin"
    assert several.user.onboarded_at is not None
    assert several.memberships == (Membership("de", ("translator", "admin")), Membership("fr", ("admin",)))
    newcomer = principal_described_by("onboarding and member of de")
    assert newcomer.user is not None
    assert newcomer.user.onboarded_at is None
    assert newcomer.memberships == (Membership("de", ()),)
