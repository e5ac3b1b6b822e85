"""All SQL on users."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, true, tuple_, update

from app.auth.principal import PrincipalUser
from app.domain.users.models import User
from app.postgres.base import table_of
from app.postgres.repository import Repository
from app.postgres.rows import to_struct
from app.text import folded, searched

# Any constant will do: one transaction at a time decides about the first or the last platform admin.
ADMINS_LOCK = 7_061_776_101_106

USERS = table_of(User)
LOCK = (
    select(USERS.c.platform_role, USERS.c.status)
    .where(USERS.c.id == bindparam("user_id"))
    .with_for_update(key_share=True)
)

PRINCIPAL_COLUMNS = [USERS.c[name] for name in PrincipalUser.__struct_fields__]

# Accounts that an invitation made and that nobody has used yet.
NOT_YET_ACCEPTED = and_(User.onboarded_at.is_(None), User.last_seen_at.is_(None))

# Those of them that give way to an account whose owner proves the address. Not suspended ones and platform admins: an
# admin or an operator has decided about these.
DISPLACEABLE = and_(NOT_YET_ACCEPTED, User.status == "active", User.platform_role.is_(None))

# The time and the id after which a page of the list begins.
After = tuple[datetime, UUID]


class UserFilters(Struct, frozen=True):
    """What a list of users is limited to; `search` is a part of the address or name, in any case."""

    search: str | None = None
    status: str | None = None
    role: str | None = None


class UserRepository(Repository[User]):
    """Users, in one transaction."""

    model_type = User

    async def count_admins(self, *, onboarded: bool = False) -> int:
        """The number of active platform admins; with `onboarded`, only of those who have completed their profile."""
        filters = [User.platform_role == "admin", User.status == "active"]
        return await self.count(*filters, *([User.onboarded_at.is_not(None)] if onboarded else []))

    async def lock_admins(self) -> int:
        """Keep other transactions from changing who is a platform admin; returns the number of active ones."""
        await self.session.execute(select(func.pg_advisory_xact_lock(ADMINS_LOCK)))
        return await self.count_admins()

    async def find(self, user_id: UUID | None) -> User | None:
        """The user as the database has them now, without a lock."""
        return await self.get_one_or_none(User.id == user_id, execution_options={"populate_existing": True})

    async def lock(self, user_id: UUID | None) -> User | None:
        """The user, locked until the transaction ends."""
        statement = select(User).where(User.id == user_id).with_for_update(key_share=True)
        return (await self.session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()

    async def lock_active(self, user_id: UUID) -> tuple[bool, str | None]:
        """Lock the user; returns whether they are active, and their platform role.

        A transaction that writes several rows of one user (keys, sessions) locks the user first. With this order, two
        such transactions cannot deadlock.
        """
        row = (await self.session.execute(LOCK, {"user_id": user_id})).one_or_none()
        active = row is not None and row.status == "active"
        return active, row.platform_role if row and active else None

    async def void_devices(self, user_id: UUID, now: datetime) -> None:
        """Let no device cookie of the user count that was issued before `now`.

        Lock the user before reading the clock for `now`. Otherwise a sign-in that had the lock until then has issued a
        later one.
        """
        await self.session.execute(update(User).where(User.id == user_id).values(devices_since=now))

    async def lock_shared(self, user_id: UUID) -> bool:
        """Keep the user from being changed or deleted until the transaction ends; False if there is no such user.

        Any number of transactions can hold this lock on one user.
        """
        statement = select(User.id).where(User.id == user_id).with_for_update(read=True)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def lock_principal(self, user_id: UUID) -> PrincipalUser | None:
        """The active user as the policy sees them, with a shared lock; None if suspended or deleted.

        A suspension, a change of role or a deletion waits for this transaction, or this transaction sees it.
        """
        active = select(*PRINCIPAL_COLUMNS).where(User.id == user_id, User.status == "active")
        row = (await self.session.execute(active.with_for_update(read=True))).one_or_none()
        return to_struct(PrincipalUser, row) if row else None

    async def find_invited(self, user_id: UUID) -> User | None:
        """The user if they can accept an invitation: active, and never signed in. None for any other."""
        return await self.get_one_or_none(User.id == user_id, User.status == "active", NOT_YET_ACCEPTED)

    async def finish_onboarding(self, user_id: UUID, required: Sequence[str], now: datetime) -> None:
        """End the onboarding of a user whose `required` fields are filled. An ended onboarding never begins again."""
        filled = [func.coalesce(getattr(User, field), "") != "" for field in required]
        await self.session.execute(
            update(User)
            .where(User.id == user_id, User.onboarded_at.is_(None), *filled)
            .values(onboarded_at=now, updated_at=now)
        )

    async def change(self, user_id: UUID, now: datetime, **columns: object) -> bool:
        """Set columns of one user; False if there is no such user."""
        searched = {f"folded_{name}": folded(str(columns[name])) for name in ("name", "email") if name in columns}
        values = {"updated_at": now, **columns, **searched}
        statement = update(User).where(User.id == user_id).values(values).returning(User.id)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def remove(self, user_id: UUID) -> bool:
        """Delete the user with their keys, sessions and memberships; False if there is no such user.

        Texts that the user wrote stay.
        """
        return await self._remove(User.id == user_id)

    async def is_service_account(self, user_id: UUID) -> bool:
        """Whether the user is a service account, who is locked against deletion then until the transaction ends."""
        statement = (
            select(User.id).where(User.id == user_id, User.kind == "service").with_for_update(key_share=True, read=True)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def is_displaceable(self, user_id: UUID) -> bool:
        """Whether the account was only invited, so that it gives way to the owner of its address."""
        return await self.exists(User.id == user_id, DISPLACEABLE)

    async def displace(self, user_id: UUID) -> bool:
        """Delete an account that was only invited; False if it is another one."""
        return await self._remove(User.id == user_id, DISPLACEABLE)

    async def note_seen(self, user_id: UUID, now: datetime, *, after: datetime | None = None) -> None:
        """Record that the user is active now, unless they have been seen since `after`."""
        earlier = or_(User.last_seen_at.is_(None), User.last_seen_at <= (after or now))
        await self.session.execute(update(User).where(User.id == user_id, earlier).values(last_seen_at=now))

    async def page(
        self,
        after: After | None,
        limit: int,
        filters: UserFilters | None = None,
        allowed: ColumnElement[bool] | None = None,
    ) -> list[User]:
        """People in the order of their creation: those of `filters` that `allowed` selects."""
        statement = select(User).where(User.kind == "person").order_by(User.created_at, User.id).limit(limit)
        statement = statement.where(true() if allowed is None else allowed)
        filters = filters or UserFilters()
        if after is not None:
            statement = statement.where(tuple_(User.created_at, User.id) > tuple_(*after))
        if filters.search:
            part = searched(filters.search)
            matches = (column.contains(part, autoescape=True) for column in (User.folded_email, User.folded_name))
            statement = statement.where(or_(*matches))
        if filters.status:
            statement = statement.where(User.status == filters.status)
        if filters.role:
            statement = statement.where(User.platform_role == filters.role)
        return list((await self.session.execute(statement)).scalars())

    async def _remove(self, *which: ColumnElement[bool]) -> bool:
        # Not `delete_where`: it selects the rows first, in a statement of its own.
        return (await self.session.execute(delete(User).where(*which).returning(User.id))).first() is not None
