"""The table of the policy as data, and explanations of its answers, line by line."""

import pytest

from app.ability.ability import Subject
from app.guards.policy import POLICY, SCHEMA, WHICH, WHO
from app.guards.policy_expectations import principal_described_by
from app.guards.policy_report import NAMED_BY, explain_policy, policy_table, subject_named

GERMAN = Subject("Language", {"code": "de"})


def test_the_table_has_every_line_in_the_order_of_the_policy() -> None:
    lines = policy_table().lines
    assert [line.line for line in lines] == list(range(1, len(POLICY) + 1))
    assert [(line.who, line.actions, line.subjects, not line.may) for line in lines] == [
        (row.who, row.actions, row.subjects, row.forbidden) for row in POLICY
    ]


def test_the_lines_of_the_policy_are_distinct_and_use_every_word() -> None:
    assert len(set(POLICY)) == len(POLICY)
    assert {row.who for row in POLICY} == WHO.keys()
    assert {row.which for row in POLICY if row.which} == WHICH.keys()


def test_a_subject_of_every_type_can_be_named_by_an_id() -> None:
    assert SCHEMA.subjects.keys() - NAMED_BY.keys() == {"Policy"}
    assert subject_named("Session", "7") == Subject("Session", {"userId": "7"})
    assert subject_named("Session", None) == "Session"


def test_every_line_of_an_explanation_has_a_verdict() -> None:
    explanation = explain_policy(principal_described_by("member of fr and translator of de"), "translate", GERMAN)
    assert (explanation.allowed, explanation.reason, explanation.standing) == (True, None, "active")
    assert explanation.lines[(explanation.decided_by or 0) - 1].who == "language translator"
    assert {line.who for line in explanation.lines if line.verdict == "who"} == {
        "platform admin", "language admin", "user without a complete profile", "service account",
    }  # fmt: skip
    verdicts = [line.verdict for line in explanation.lines if line.verdict != "who"]
    assert verdicts == [*["action"] * 7, "decides", "subject"]


def test_the_explanation_of_a_denial_has_its_reason_and_the_failed_condition() -> None:
    explanation = explain_policy(principal_described_by("platform admin and translator of fr"), "translate", GERMAN)
    assert (explanation.allowed, explanation.reason, explanation.decided_by) == (
        False,
        "Only a translator of the language may translate it",
        2,
    )
    assert explanation.lines[0].verdict == "overruled"
    (failed,) = next(line for line in explanation.lines if line.verdict == "conditions").failed
    assert (failed.path, failed.operator, failed.expected, failed.actual) == ("code", "$in", ("fr",), "de")


@pytest.mark.parametrize(
    ("who", "standing"),
    [("suspended", "suspended"), ("onboarding and platform admin", "onboarding"), ("user", "active")],
)
def test_lines_concern_a_user_by_their_standing(who: str, standing: str) -> None:
    explanation = explain_policy(principal_described_by(who), "read", GERMAN)
    assert (explanation.allowed, explanation.decided_by, explanation.standing) == (False, None, standing)
    concerned = {line.who for line in explanation.lines if line.verdict != "who"}
    expected = {
        "suspended": set(),
        "onboarding": {"user without a complete profile"},
        "active": {"every active person"},
    }
    assert concerned == expected[standing]


def test_an_unknown_action_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown action"):
        explain_policy(principal_described_by("user"), "paint", GERMAN)
