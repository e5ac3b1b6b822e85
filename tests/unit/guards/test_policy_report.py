"""The policy's table as data, and its answers explained line by line."""

import pytest

from app.ability.ability import Subject
from app.guards.policy import POLICY, SCHEMA, WHICH, WHO
from app.guards.policy_expectations import principal_of
from app.guards.policy_report import NAMED_BY, explain_policy, policy_table, subject_named

GERMAN = Subject("Language", {"code": "de"})


def test_the_table_has_every_line_in_the_order_of_the_policy() -> None:
    lines = policy_table().lines
    assert [line.line for line in lines] == list(range(1, len(POLICY) + 1))
    assert [(line.who, line.actions, line.subjects, not line.may) for line in lines] == [
        (row.who, row.actions, row.subjects, row.forbidden) for row in POLICY
    ]


def test_no_two_lines_of_the_policy_are_the_same_and_all_words_are_used() -> None:
    assert len(set(POLICY)) == len(POLICY)
    assert {row.who for row in POLICY} == WHO.keys()
    assert {row.which for row in POLICY if row.which} == WHICH.keys()


def test_every_subject_can_be_named() -> None:
    assert NAMED_BY.keys() == SCHEMA.subjects.keys()
    assert subject_named("Session", "7") == Subject("Session", {"userId": "7"})
    assert subject_named("Session", None) == "Session"


def test_every_line_says_why_it_did_not_decide() -> None:
    explanation = explain_policy(principal_of("member of fr and translator of de"), "translate", GERMAN)
    assert (explanation.allowed, explanation.reason, explanation.standing) == (True, None, "active")
    assert explanation.lines[(explanation.decided_by or 0) - 1].who == "language translator"
    assert [line.verdict for line in explanation.lines] == [
        "who", "who", "action", "action", "action", "action", "action", "decides", "who", "who", "who",
    ]  # fmt: skip


def test_a_denial_tells_its_reason_and_the_condition_that_failed() -> None:
    explanation = explain_policy(principal_of("platform admin and translator of fr"), "translate", GERMAN)
    assert (explanation.allowed, explanation.reason, explanation.decided_by) == (
        False,
        "Only a translator of the language may translate it",
        2,
    )
    assert explanation.lines[0].verdict == "overruled"
    (failed,) = explanation.lines[7].failed
    assert (failed.path, failed.operator, failed.expected, failed.actual) == ("code", "$in", ("fr",), "de")


@pytest.mark.parametrize(
    ("who", "standing"),
    [("suspended", "suspended"), ("onboarding and platform admin", "onboarding"), ("user", "active")],
)
def test_the_lines_are_about_who_may_do_something_at_all(who: str, standing: str) -> None:
    explanation = explain_policy(principal_of(who), "read", GERMAN)
    assert (explanation.allowed, explanation.decided_by, explanation.standing) == (False, None, standing)
    about = {line.who for line in explanation.lines if line.verdict != "who"}
    expected = {"suspended": set(), "onboarding": {"user without a complete profile"}, "active": {"every active user"}}
    assert about == expected[standing]


def test_an_unknown_action_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown action"):
        explain_policy(principal_of("user"), "paint", GERMAN)
