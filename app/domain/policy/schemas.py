"""The request body of `POST /api/policy/explain`."""

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


class Question(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """May the user of `userId` or `email`, exactly one of them, do this?"""

    action: Action
    subject_type: SubjectType
    user_id: UUID | None = None
    email: AddressText | None = None
    id: IdText | None = None
    field: FieldText | None = None
