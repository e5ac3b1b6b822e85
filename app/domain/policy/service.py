"""Questions to the policy about another user, answered from the current state of the database."""

from uuid import UUID

from app.auth.email_addresses import normalise
from app.domain.keys.repository import KeyRepository
from app.domain.policy.schemas import Question
from app.domain.resources import Resources
from app.domain.sessions.repository import find_principal
from app.errors import SubjectNotFound, invalid
from app.guards.policy import BY_LANGUAGE_CODE
from app.guards.policy_report import PolicyExplanation, explain_policy, subject_named
from app.text import conventional_case


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
    subject_id = question.id
    if subject_id is not None and question.subject_type in BY_LANGUAGE_CODE:
        subject_id = conventional_case(subject_id)
    elif subject_id is not None:
        owner = await _user_id(resources, subject_id)
        if owner is None:
            raise SubjectNotFound
        subject_id = str(owner)
    if principal is None:
        raise SubjectNotFound
    return explain_policy(principal, question.action, subject_named(question.subject_type, subject_id), question.field)


async def _user_id(resources: Resources, id_: str) -> UUID | None:
    """The id of the user that `id_`, an id or an address, stands for."""
    if "@" in id_:
        return await _find(resources, id_, "id")
    try:
        return UUID(id_)
    except ValueError:
        raise invalid("id", "invalid", "A user's id or address is expected") from None


async def _find(resources: Resources, address: str, field: str) -> UUID | None:
    unique = normalise(address, field).unique
    async with resources.database.transaction() as transaction:
        return await KeyRepository(transaction).find_user_id(unique)
