"""The rules of accounts: who is suspended, who is a platform admin, and that one always remains."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.database import Database
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.errors import Problem

# Ends every session and every outstanding single-use key of a user, in the caller's transaction.
Revoke = Callable[[AsyncSession, UUID], Awaitable[None]]


class UserService:
    """Administration of accounts. Each call is one transaction."""

    def __init__(self, database: Database, clock: Clock, revoke: Revoke) -> None:
        self._database = database
        self._clock = clock
        self._revoke = revoke

    async def page(self, after: UUID | None, limit: int) -> list[User]:
        """Users in the order they were made, from after the given id."""
        async with self._database.transaction() as transaction:
            return await UserRepository(session=transaction).page(after, limit)

    async def suspend(self, user_id: UUID) -> None:
        """Let nobody in as this user: sessions and outstanding keys go in the same transaction.

        Raises `Problem`: `not_found`, or `last_admin`.
        """
        async with self._database.transaction() as transaction:
            users = UserRepository(session=transaction)
            await self._keep_an_admin(users, user_id)
            _require(await users.set_status(user_id, "suspended", self._clock()))
            await self._revoke(transaction, user_id)

    async def restore(self, user_id: UUID) -> None:
        """Undo a suspension. Raises `Problem` `not_found`."""
        async with self._database.transaction() as transaction:
            _require(await UserRepository(session=transaction).set_status(user_id, "active", self._clock()))

    async def grant_admin(self, user_id: UUID) -> None:
        """Make a platform admin. The user signs in anew: a gained role never joins an old session (OWASP, NIST 5.1).

        Raises `Problem` `not_found`.
        """
        async with self._database.transaction() as transaction:
            users = UserRepository(session=transaction)
            await users.lock_admins()
            _require(await users.set_platform_role(user_id, "admin", self._clock()))
            await self._revoke(transaction, user_id)

    async def revoke_admin(self, user_id: UUID) -> None:
        """Take the platform role away; it is gone from the very next request.

        Raises `Problem`: `not_found`, `last_admin`.
        """
        async with self._database.transaction() as transaction:
            users = UserRepository(session=transaction)
            await self._keep_an_admin(users, user_id)
            _require(await users.set_platform_role(user_id, None, self._clock()))

    async def _keep_an_admin(self, users: UserRepository, user_id: UUID) -> None:
        remaining = await users.lock_admins()
        user = await users.get_one_or_none(id=user_id)
        if user and user.platform_role == "admin" and user.status == "active" and remaining == 1:
            raise Problem("last_admin", "Make another user a platform admin first.")


def _require(found: bool) -> None:  # the answer of the statement before it
    if not found:
        raise Problem("not_found", "There is no such user.")
