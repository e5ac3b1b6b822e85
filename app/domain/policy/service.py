"""Questions to the policy about another user, answered from the current state of the database."""

from collections.abc import Sequence
from uuid import UUID

from app.ability.ability import Ability
from app.auth.email_addresses import normalise
from app.domain.keys.repository import KeyRepository
from app.domain.policy.schemas import Check, CheckDecision, Question
from app.domain.resources import Resources
from app.domain.sessions.repository import find_principal
from app.errors import FieldError, Problem, SubjectNotFound, invalid
from app.guards.policy import BY_LANGUAGE_CODE, NAMED_BY_USER_ID, OWNER_ATTRIBUTES
from app.guards.policy_report import NAMED_BY, PolicyExplanation, explain_policy, subject_named
from app.text import conventional_case

# The types whose subjects an id of a user names.
BY_USER_ID = frozenset({*NAMED_BY_USER_ID, *OWNER_ATTRIBUTES})


async def explain_question(resources: Resources, question: Question) -> PolicyExplanation:
    """Why the user may or may not.

    Whether the language or translation exists is not checked, because the policy does not depend on it. Raises
    `SubjectNotFound` if no user has a given address or id, and `Problem` `validation_failed`.
    """
    if (question.user_id is None) is (question.email is None):
        raise invalid("email", "invalid", "Name the user by userId or by email")
    user_id = question.user_id
    if question.email is not None:
        user_id = await _find(resources, question.email, "email")
    principal = await find_principal(resources.database, user_id) if user_id else None
    subject_id = None if question.id is None else _subject_id(question.subject_type, question.id)
    if subject_id is not None and question.subject_type in BY_USER_ID:
        owner = await _user_id(resources, subject_id)
        if owner is None:
            raise SubjectNotFound
        subject_id = str(owner)
    if principal is None:
        raise SubjectNotFound
    return explain_policy(principal, question.action, subject_named(question.subject_type, subject_id), question.field)


def check_own(ability: Ability, user_id: UUID, checks: Sequence[Check]) -> list[CheckDecision]:
    """The answers to the questions of this user about themselves.

    Raises `Problem` `validation_failed` that names the id of each question that cannot be asked.
    """
    decisions, errors = list[CheckDecision](), list[FieldError]()
    for index, check in enumerate(checks):
        try:
            decisions.append(decide_own(ability, user_id, check, f"checks.{index}.id"))
        except Problem as problem:
            errors += problem.errors
    if errors:
        raise Problem("validation_failed", errors=errors)
    return decisions


def decide_own(ability: Ability, user_id: UUID, check: Check, field: str) -> CheckDecision:
    """The answer to one question of this user about themselves, whose id is this field of the request.

    Raises `Problem` `validation_failed` if the id is not one of the subject type.
    """
    subject_id = None if check.id is None else _subject_id(check.subject_type, check.id, field)
    if subject_id is not None and check.subject_type in BY_USER_ID:
        subject_id = str(user_id) if subject_id == "me" else str(_parsed(subject_id, field))
    subject = subject_named(check.subject_type, subject_id)
    if isinstance(subject, str):
        decision = ability.decide_some(check.action, subject, check.field)
    else:
        decision = ability.decide(check.action, subject, check.field)
    return CheckDecision(decision.allowed, decision.reason)


def _subject_id(subject_type: str, id_: str, field: str = "id") -> str:
    """The id in the form that rules compare. Raises `Problem` `validation_failed` if subjects of the type have none."""
    if subject_type not in NAMED_BY:
        raise invalid(field, "invalid", f"{subject_type} has no id: leave it out")
    return conventional_case(id_) if subject_type in BY_LANGUAGE_CODE else id_


def _parsed(id_: str, field: str = "id") -> UUID:
    try:
        return UUID(id_)
    except ValueError:
        raise invalid(field, "invalid", "A user's id is expected here") from None


async def _user_id(resources: Resources, id_: str) -> UUID | None:
    """The id of the user that `id_`, an id or an address, stands for."""
    return await _find(resources, id_, "id") if "@" in id_ else _parsed(id_)


async def _find(resources: Resources, address: str, field: str) -> UUID | None:
    unique = normalise(address, field).unique
    async with resources.database.transaction() as transaction:
        return await KeyRepository(transaction).find_user_id(unique)
