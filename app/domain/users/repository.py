"""All SQL on users."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from msgspec import Struct
from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, true, tuple_, update

from app.domain.users.models import User
from app.postgres.base import table_of

# Any constant will do: it lets one transaction at a time decide who is the first or the last platform admin.
ADMINS_LOCK = 7_061_776_101_106

USERS = table_of(User)
LOCK = (
    select(USERS.c.platform_role, USERS.c.status)
    .where(USERS.c.id == bindparam("user_id"))
    .with_for_update(key_share=True)
)


# Accounts that were made by an invitation, and that nobody has used yet.
WAITS = and_(User.onboarded_at.is_(None), User.last_seen_at.is_(None))

# Where a page of the list begins: after this time and id.
After = tuple[datetime, UUID]


class Filters(Struct, frozen=True):
    """What a list of users is limited to; `search` is a part of the address or name."""

    search: str | None = None
    status: str | None = None
    role: str | None = None


class UserRepository(SQLAlchemyAsyncRepository[User]):
    """Users. Bound to the session of one transaction."""

    model_type = User

    async def count_admins(self, *, onboarded: bool = False) -> int:
        """The number of active platform admins; `onboarded` counts those alone who have accepted, and can act."""
        count = select(func.count()).where(User.platform_role == "admin", User.status == "active")
        if onboarded:
            count = count.where(User.onboarded_at.is_not(None))
        return (await self.session.execute(count)).scalar_one()

    async def lock_admins(self) -> int:
        """Keep every other transaction from changing who is a platform admin; gives the number of active ones."""
        await self.session.execute(select(func.pg_advisory_xact_lock(ADMINS_LOCK)))
        return await self.count_admins()

    async def lock_active(self, user_id: UUID) -> tuple[bool, str | None]:
        """Whether the user is active, and their platform role; neither changes until the transaction ends.

        A transaction that writes several rows of one user (keys, sessions) locks the user first: taken in this order,
        the locks of two such transactions cannot block each other for good.
        """
        row = (await self.session.execute(LOCK, {"user_id": user_id})).one_or_none()
        active = row is not None and row.status == "active"
        return active, row.platform_role if row and active else None

    async def hold(self, user_id: UUID) -> bool:
        """Keep the user as they are until the transaction ends; False where there is no such user.

        Any number of transactions can hold the same user.
        """
        statement = select(User.id).where(User.id == user_id).with_for_update(read=True)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def account(self, user_id: UUID) -> User | None:
        """The user as the database has them now."""
        statement = select(User).where(User.id == user_id).execution_options(populate_existing=True)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock_account(self, user_id: UUID | None) -> User | None:
        """The user, held fast until the transaction ends."""
        statement = select(User).where(User.id == user_id).with_for_update(key_share=True)
        return (await self.session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()

    async def finish_onboarding(self, user_id: UUID, required: Sequence[str], now: datetime) -> None:
        """End the onboarding of a user who has all the required fields; once ended it stays so."""
        filled = [func.coalesce(getattr(User, field), "") != "" for field in required]
        await self.session.execute(
            update(User)
            .where(User.id == user_id, User.onboarded_at.is_(None), *filled)
            .values(onboarded_at=now, updated_at=now)
        )

    async def awaits_invitation(self, user_id: UUID) -> User | None:
        """A user who can accept an invitation: active, and never here before. None for any other."""
        statement = select(User).where(User.id == user_id, User.status == "active", WAITS)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def change(self, user_id: UUID, now: datetime, **columns: object) -> bool:
        """Set columns of one user; False where there is no such user."""
        statement = update(User).where(User.id == user_id).values(updated_at=now, **columns).returning(User.id)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def remove(self, user_id: UUID) -> bool:
        """Delete the user with their keys, sessions and memberships; what they wrote stays. False where unknown."""
        statement = delete(User).where(User.id == user_id).returning(User.id)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def remove_invited(self, user_id: UUID) -> bool:
        """Delete an account that waits for its owner, and has never been used; False where it has been."""
        statement = delete(User).where(User.id == user_id, WAITS).returning(User.id)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def note_seen(self, user_id: UUID, now: datetime, *, after: datetime | None = None) -> None:
        """Record that the user is here, unless they have been seen since `after`."""
        earlier = or_(User.last_seen_at.is_(None), User.last_seen_at <= (after or now))
        await self.session.execute(update(User).where(User.id == user_id, earlier).values(last_seen_at=now))

    async def page(
        self,
        after: After | None,
        limit: int,
        filters: Filters | None = None,
        allowed: ColumnElement[bool] | None = None,
    ) -> list[User]:
        """Users in the order they were made: those of the filters that `allowed` selects."""
        statement = select(User).order_by(User.created_at, User.id).limit(limit)
        statement = statement.where(true() if allowed is None else allowed)
        filters = filters or Filters()
        if after is not None:
            statement = statement.where(tuple_(User.created_at, User.id) > tuple_(*after))
        if filters.search:
            matches = (column.icontains(filters.search, autoescape=True) for column in (User.email, User.name))
            statement = statement.where(or_(*matches))
        if filters.status:
            statement = statement.where(User.status == filters.status)
        if filters.role:
            statement = statement.where(User.platform_role == filters.role)
        return list((await self.session.execute(statement)).scalars())
