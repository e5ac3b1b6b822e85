"""The bodies of the policy routes."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from app.domain.users.fields import AddressText
from app.guards.policy import Action, SubjectType

IdText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1000,
        description=(
            "The code of a Language or of a Translation's language; the id or address of a User, or of the user whose "
            "Session or Key it is. Without it the question is about the type."
        ),
    ),
]
FieldText = Annotated[str, Meta(min_length=1, max_length=200, description="One field of the subject.")]


CHECKS_MAX = 100


class Check(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """May the caller do this? As `id` of a User, or of the user whose Session or Key it is, `me` is the caller."""

    action: Action
    subject_type: SubjectType
    id: IdText | None = None
    field: FieldText | None = None


class Checks(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 100 questions."""

    checks: Annotated[list[Check], Meta(min_length=1, max_length=CHECKS_MAX)]


class CheckDecision(Struct, frozen=True):
    """The answer to one question, with the reason of a denial, if the policy has one."""

    allowed: bool
    reason: str | None


class CheckDecisions(Struct, frozen=True):
    """The answers, in the order of the questions."""

    decisions: list[CheckDecision]


class Question(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """May the user of `userId` or `email`, exactly one of them, do this?"""

    action: Action
    subject_type: SubjectType
    user_id: UUID | None = None
    email: AddressText | None = None
    id: IdText | None = None
    field: FieldText | None = None
