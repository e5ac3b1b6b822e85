"""The SQL of flows on the table of members: what an invitation gives, before the invited person has accepted.

The table belongs to the domain `languages`, which imports flows and not the other way round.
"""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TIMESTAMP, Text, Uuid, column, delete, literal, select, table
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Membership
from app.domain.users.models import User
from app.domain.users.repository import NOT_YET_ACCEPTED

MEMBERS = table(
    "language_members",
    column("language_code", Text),
    column("user_id", Uuid),
    column("roles", ARRAY(Text)),
    column("invited_by", Uuid),
    column("created_at", TIMESTAMP(timezone=True)),
)


class PendingMembership(NamedTuple):
    """A membership that somebody was invited to and has not accepted."""

    language_code: str
    user_id: UUID


async def memberships_of(transaction: AsyncSession, user_id: UUID) -> tuple[Membership, ...]:
    """The memberships of a user."""
    statement = select(MEMBERS.c.language_code, MEMBERS.c.roles).where(MEMBERS.c.user_id == user_id)
    return tuple([Membership(row.language_code, tuple(row.roles)) for row in await transaction.execute(statement)])


async def pending_by(transaction: AsyncSession, inviter: UUID) -> set[str]:
    """The languages that this user has invited people to who have not accepted yet."""
    statement = select(MEMBERS.c.language_code).join_from(MEMBERS, User, User.id == MEMBERS.c.user_id).distinct()
    return set(await transaction.scalars(statement.where(MEMBERS.c.invited_by == inviter, NOT_YET_ACCEPTED)))


async def end_pending_by(
    transaction: AsyncSession, inviter: UUID, language_codes: Collection[str | None]
) -> list[PendingMembership]:
    """Delete the memberships of these languages that this user has invited people to who have not accepted yet."""
    deletion = (
        delete(MEMBERS)
        .where(MEMBERS.c.invited_by == inviter, MEMBERS.c.language_code.in_(language_codes))
        .where(MEMBERS.c.user_id == User.id, NOT_YET_ACCEPTED)
        .returning(MEMBERS.c.language_code, MEMBERS.c.user_id)
    )
    return [PendingMembership(*row) for row in await transaction.execute(deletion)]


async def copy_memberships(transaction: AsyncSession, source: UUID, target: UUID) -> tuple[Membership, ...]:
    """Give a user the memberships of another, except of languages that they are a member of; returns the new ones."""
    names = ["language_code", "roles", "invited_by", "created_at"]
    copies = select(literal(target, Uuid), *[MEMBERS.c[name] for name in names]).where(MEMBERS.c.user_id == source)
    statement = insert(MEMBERS).from_select(["user_id", *names], copies).on_conflict_do_nothing()
    added = await transaction.execute(statement.returning(MEMBERS.c.language_code, MEMBERS.c.roles))
    return tuple([Membership(row.language_code, tuple(row.roles)) for row in added])
