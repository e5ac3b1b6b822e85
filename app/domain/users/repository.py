"""All SQL on users."""

from datetime import datetime
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import bindparam, func, select, update

from app.database import table_of
from app.domain.users.models import User

# Any constant will do: it lets one transaction at a time decide who is the first or the last platform admin.
ADMINS_LOCK = 7_061_776_101_106

USERS = table_of(User)
LOCK = (
    select(USERS.c.platform_role, USERS.c.status)
    .where(USERS.c.id == bindparam("user_id"))
    .with_for_update(key_share=True)
)


class UserRepository(SQLAlchemyAsyncRepository[User]):
    """Users. Bound to the session of one transaction."""

    model_type = User

    async def count_admins(self) -> int:
        """The number of active platform admins."""
        count = select(func.count()).where(User.platform_role == "admin", User.status == "active")
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

    async def set_status(self, user_id: UUID, status: str, now: datetime) -> bool:
        """Suspend or restore; False where there is no such user."""
        return await self._set(user_id, now, status=status)

    async def set_platform_role(self, user_id: UUID, role: str | None, now: datetime) -> bool:
        """Grant or revoke; False where there is no such user."""
        return await self._set(user_id, now, platform_role=role)

    async def finish_profile(self, user_id: UUID, name: str, now: datetime) -> bool:
        """Set the name and end the onboarding."""
        return await self._set(user_id, now, name=name, onboarded_at=func.coalesce(User.onboarded_at, now))

    async def page(self, after: UUID | None, limit: int) -> list[User]:
        """Users in the order they were made."""
        statement = select(User).order_by(User.id).limit(limit)
        if after is not None:
            statement = statement.where(User.id > after)
        return list((await self.session.execute(statement)).scalars())

    async def _set(self, user_id: UUID, now: datetime, **columns: object) -> bool:
        statement = update(User).where(User.id == user_id).values(updated_at=now, **columns).returning(User.id)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None
