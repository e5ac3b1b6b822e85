"""`POST /api/policy/can` answers as the real CASL decides with the caller's own rules."""

from typing import Any

from app.ability.ability import Decision
from app.ability.json_lines import Check
from app.auth.principal import ANONYMOUS
from app.domain.policy.schemas import CHECKS_MAX
from app.guards.policy import BY_LANGUAGE_CODE, ID_ATTRIBUTES, OWNER_ATTRIBUTES, SCHEMA, ability_for
from tests.contract.test_casl import Person, node, run_casl
from tests.support.app import RunningApp
from tests.support.policy_people import person

__all__ = ["node"]  # a fixture

WHO = (
    "onboarding",
    "user",
    "translator of de and admin of fr",
    "platform admin",
    "platform admin and translator of de",
)
SOMEBODY = "00000000-0000-7000-8000-000000000001"
# Fields of objects that rules know nothing of.
UNKNOWN_FIELDS = {"User": ("onboardedAt", "suspensionReason")}
ATTRIBUTES = {**ID_ATTRIBUTES, **OWNER_ATTRIBUTES}


def _ids(subject_type: str) -> list[str | None]:
    """None for the type, and ids of subjects: of languages, of the caller and of somebody else."""
    if subject_type not in ATTRIBUTES:
        return [None]
    return [None, *(("de", "fr", "sv") if subject_type in BY_LANGUAGE_CODE else ("me", SOMEBODY))]


QUESTIONS: list[dict[str, str | None]] = [
    {"action": action, "subjectType": subject_type, "id": id_, "field": field}
    for action in sorted(SCHEMA.actions)
    for subject_type, attributes in SCHEMA.subjects.items()
    for id_ in _ids(subject_type)
    for field in (None, *attributes, *UNKNOWN_FIELDS.get(subject_type, ()))
    if not (subject_type in ("AuditEvent", "Job") and id_ == "me")
]


def _check(question: dict[str, Any], me: str) -> Check:
    subject_type, id_ = question["subjectType"], question["id"]
    subject = None if id_ is None else {ATTRIBUTES[subject_type]: me if id_ == "me" else id_}
    return Check(question["action"], subject_type, subject, question["field"])


async def test_the_server_answers_questions_about_oneself_as_casl_decides(app: RunningApp, node: str) -> None:
    for code in ("de", "fr"):
        await app.language(code)
    for number, who in enumerate(WHO):
        user_id, token = await person(app, who, f"person{number}@example.org")
        client = app.with_cookie(token)
        rules = (await client.get("/api/session")).json()["rules"]
        answers = list[Decision]()
        for first in range(0, len(QUESTIONS), CHECKS_MAX):
            sent = {"checks": QUESTIONS[first : first + CHECKS_MAX]}
            answer = await client.post("/api/policy/can", json=sent)
            assert answer.status_code == 200, answer.text
            answers += [Decision(one["allowed"], reason=one["reason"]) for one in answer.json()["decisions"]]
        checks = [_check(question, str(user_id)) for question in QUESTIONS]
        results = run_casl(node, [Person(who, rules, ability_for(ANONYMOUS))], checks)
        assert results.keys() == {"6", "7"}
        for version, [result] in results.items():
            decisions = [Decision(one.allowed, reason=one.reason) for one in result.decisions]
            pairs = zip(checks, answers, decisions, strict=True)
            assert [pair for pair in pairs if pair[1] != pair[2]] == [], f"{who}, CASL {version}"
