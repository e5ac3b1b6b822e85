"""Questions to the policy about another user, answered from the database as of now."""

from uuid import UUID

from app.auth import email_addresses as addresses
from app.domain.policy.schemas import Question
from app.domain.sessions.repository import find_principal, find_user_id
from app.errors import invalid
from app.guards.policy_report import PolicyExplanation, explain_policy, subject_named
from app.postgres.database import Database

BY_CODE = frozenset({"Language", "Translation"})


async def explain_question(database: Database, question: Question) -> PolicyExplanation | None:
    """Why the user may or may not; None where there is no user of a given address or id.

    Whether the language or translation exists is not looked at: the policy does not depend on it. Raises `Problem`
    `validation_failed`.
    """
    if (question.user_id is None) is (question.email is None):
        raise invalid("email", "invalid", "Name the user by userId or by email")
    user_id = question.user_id
    if question.email is not None:
        user_id = await _find(database, question.email, "email")
    principal = await find_principal(database, user_id) if user_id else None
    subject_id = question.id
    if subject_id is not None and question.subject_type not in BY_CODE:
        owner = await _user_id(database, subject_id)
        if owner is None:
            return None
        subject_id = str(owner)
    if principal is None:
        return None
    return explain_policy(principal, question.action, subject_named(question.subject_type, subject_id), question.field)


async def _user_id(database: Database, id_: str) -> UUID | None:
    if "@" in id_:
        return await _find(database, id_, "id")
    try:
        return UUID(id_)
    except ValueError:
        raise invalid("id", "invalid", "A user's id or address is expected") from None


async def _find(database: Database, address: str, field: str) -> UUID | None:
    return await find_user_id(database, addresses.normalise(address, field).unique)
