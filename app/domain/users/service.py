"""The rules of accounts: who is suspended, who is a platform admin, and that one always remains."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import record, subject_of
from app.auth.email_addresses import normalise
from app.clock import Clock
from app.domain.users import access
from app.domain.users.models import User
from app.domain.users.ports import Invite, Revoke
from app.domain.users.repository import After, Filters, UserRepository
from app.domain.users.schemas import UserChange
from app.errors import Problem
from app.postgres.database import Database

T = TypeVar("T")


class UserService:
    """Administration of accounts. Each call is one transaction.

    `actor` is the platform admin who does it, and whose right is checked in the same transaction; None is the operator,
    who has the database anyway.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        revoke: Revoke,
        end_sessions: Revoke,
        invite: Invite,
        required_fields: Sequence[str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._revoke = revoke
        self._end_sessions = end_sessions
        self._invite = invite
        self._required_fields = required_fields

    async def page(
        self,
        after: After | None,
        limit: int,
        filters: Filters | None = None,
        allowed: ColumnElement[bool] | None = None,
    ) -> list[User]:
        """Users in the order they were made: those that `allowed` selects, None for all."""
        async with self._database.transaction() as transaction:
            return await UserRepository(session=transaction).page(after, limit, filters, allowed)

    async def read(self, user_id: UUID) -> User | None:
        """One user, if they exist."""
        async with self._database.transaction() as transaction:
            return await UserRepository(session=transaction).get_one_or_none(id=user_id)

    async def create(self, email: str, name: str) -> User:
        """Create a user without a secret, and mail them an invitation.

        Raises `Problem`: `validation_failed`, `email_taken`.
        """
        address = normalise(email)
        async with self._database.transaction() as transaction:
            invited = await self._invite(transaction, address, name=name)
            if not invited.created:
                raise Problem("email_taken", "There is a user with this address already.")
            return await UserRepository(session=transaction).get(invited.user_id)

    async def invite_again(self, user_id: UUID, *, actor: UUID | None = None) -> None:
        """Mail a new invitation; the link before it is void.

        Raises `Problem`: `forbidden`, `not_found`, `no_invitation`.
        """
        async with self._administration(actor, "administer", user_id) as (transaction, users):
            waiting = await users.awaits_invitation(user_id)
            if waiting is None:
                _found(await users.account(user_id))
                raise Problem("no_invitation", "Only active users who have not signed in yet wait for one.")
            await self._invite(transaction, normalise(waiting.email))

    async def change(self, user_id: UUID, change: UserChange, *, actor: UUID) -> User | None:
        """Change what is set in `change`, and end the onboarding where that completes the profile.

        None where there is no such user. Raises `Problem` `forbidden`.
        """
        columns = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        async with self._database.transaction() as transaction:
            users = UserRepository(session=transaction)
            if actor != user_id:
                await access.require(transaction, actor, "update", user_id)
            if columns and await users.change(user_id, self._clock(), **columns):
                await record(transaction, "user.change", subject_of("user", user_id), detail={"fields": [*columns]})
            await users.finish_onboarding(user_id, self._required_fields, self._clock())
            return await users.account(user_id)

    async def suspend(self, user_id: UUID, reason: str | None = None, *, actor: UUID | None = None) -> None:
        """Let nobody in as this user: sessions and outstanding keys go in the same transaction.

        Raises `Problem`: `forbidden`, `not_found`, or `last_admin`.
        """
        async with self._administration(actor, "administer", user_id) as (transaction, users):
            await self._keep_an_admin(users, user_id)
            if actor is not None:
                await access.require(transaction, actor, "update", user_id, "status")
            _found(await users.change(user_id, self._clock(), status="suspended", suspension_reason=reason))
            await record(transaction, "user.suspend", subject_of("user", user_id))
            await self._revoke(transaction, user_id)

    async def restore(self, user_id: UUID, *, actor: UUID | None = None) -> None:
        """Undo a suspension. Raises `Problem`: `forbidden`, `not_found`."""
        async with self._administration(actor, "administer", user_id) as (transaction, users):
            if _found(await users.account(user_id)).status != "active":
                await users.change(user_id, self._clock(), status="active", suspension_reason=None)
                await record(transaction, "user.restore", subject_of("user", user_id))

    async def grant_admin(self, user_id: UUID, *, actor: UUID | None = None) -> None:
        """Make a platform admin. The user signs in anew: a gained role never joins an old session (OWASP, NIST 5.1).

        Raises `Problem`: `forbidden`, `not_found`.
        """
        async with self._administration(actor, "administer", user_id) as (transaction, users):
            if _found(await users.account(user_id)).platform_role != "admin":
                await users.change(user_id, self._clock(), platform_role="admin")
                await self._end_sessions(transaction, user_id)
                await record(transaction, "user.grant_admin", subject_of("user", user_id))

    async def revoke_admin(self, user_id: UUID, *, actor: UUID | None = None) -> None:
        """Take the platform role away; it is gone from the very next request.

        Raises `Problem`: `forbidden`, `not_found`, `last_admin`.
        """
        async with self._administration(actor, "administer", user_id) as (transaction, users):
            await self._keep_an_admin(users, user_id)
            if actor is not None:
                await access.require(transaction, actor, "update", user_id, "platformRole")
            if _found(await users.account(user_id)).platform_role is not None:
                await users.change(user_id, self._clock(), platform_role=None)
                await record(transaction, "user.revoke_admin", subject_of("user", user_id))

    async def remove(self, user_id: UUID, *, actor: UUID | None = None) -> None:
        """Delete the account with its keys, sessions and memberships; what it wrote stays, by a deleted user.

        Raises `Problem`: `forbidden`, `not_found`, `last_admin`.
        """
        async with self._administration(actor, "delete", user_id) as (transaction, users):
            await self._keep_an_admin(users, user_id)
            _found(await users.remove(user_id))
            await record(transaction, "user.delete", subject_of("user", user_id))

    @asynccontextmanager
    async def _administration(
        self, actor: UUID | None, action: str, user_id: UUID
    ) -> AsyncIterator[tuple[AsyncSession, UserRepository]]:
        """A transaction beside which nobody becomes or ceases to be a platform admin, `actor` included."""
        async with self._database.transaction() as transaction:
            users = UserRepository(session=transaction)
            await users.lock_admins()
            if actor is not None:
                await access.require(transaction, actor, action, user_id)
            yield transaction, users

    async def _keep_an_admin(self, users: UserRepository, user_id: UUID) -> None:
        """Refuse to lose the last platform admin, or the last who has accepted and can act. Raises `Problem`."""
        user = await users.account(user_id)
        if user is None or user.platform_role != "admin" or user.status != "active":
            return
        if await users.count_admins() == 1 or (user.onboarded_at and await users.count_admins(onboarded=True) == 1):
            raise Problem("last_admin", "Make another user a platform admin first.")


def _found(result: T | None) -> T:
    """What a statement gave. Raises `Problem` `not_found` where that is nothing."""
    if not result:
        raise Problem("not_found", "There is no such user.")
    return result
