"""The rules of accounts that concern the table of users alone: listing, reading, and changing a profile."""

from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement

from app.ability.ability import Subject
from app.audit import Actor, record, subject_of
from app.domain.resources import Resources
from app.domain.users.access import require_in_transaction
from app.domain.users.models import User
from app.domain.users.repository import After, UserFilters, UserRepository
from app.domain.users.schemas import UserChange
from app.errors import SubjectNotFound
from app.text import name_in_nfc


async def list_users(
    resources: Resources,
    after: After | None,
    limit: int,
    filters: UserFilters | None = None,
    allowed: ColumnElement[bool] | None = None,
) -> list[User]:
    """Users in the order of their creation, from after the given one: those that `allowed` selects, None for all."""
    async with resources.database.transaction() as transaction:
        return await UserRepository(transaction).page(after, limit, filters, allowed)


async def read_user(resources: Resources, user_id: UUID) -> User:
    """One user. Raises `SubjectNotFound`."""
    async with resources.database.transaction() as transaction:
        user = await UserRepository(transaction).find(user_id)
    if user is None:
        raise SubjectNotFound
    return user


async def change_profile(actor: Actor, resources: Resources, user_id: UUID, change: UserChange) -> User:
    """Change the fields that `change` sets to other values, and end the onboarding if that completes the profile.

    Raises `Problem`: `forbidden`, `validation_failed`; `SubjectNotFound`.
    """
    sent = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
    if "name" in sent:
        sent["name"] = name_in_nfc(sent["name"])
    now, required = resources.clock(), resources.settings.required_profile_fields
    async with resources.database.transaction() as transaction:
        users = UserRepository(transaction)
        if actor.user_id != user_id:
            await require_in_transaction(actor, transaction, "update", Subject("User", {"id": str(user_id)}))
        present = await users.lock(user_id) if sent else None
        columns = {name: value for name, value in sent.items() if present and getattr(present, name) != value}
        if columns:
            await users.change(user_id, now, **columns)
            subject = subject_of("user", user_id)
            await record(actor, transaction, "user.change", subject, detail={"fields": [*columns]})
        await users.finish_onboarding(user_id, required, now)
        user = await users.find(user_id)
        if user is None:
            raise SubjectNotFound
        return user
