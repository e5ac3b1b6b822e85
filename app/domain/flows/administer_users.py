"""Administering accounts: create, invite again, suspend, restore, grant and revoke the platform role, delete.

Each function is one transaction. It checks the actor's right again, except `create_user_with_link`, which only the
operator's command calls. The operator may do everything.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.ability.ability import Subject
from app.audit import Actor, record, subject_of
from app.auth.email_addresses import normalise_new
from app.domain.flows.create_account import create_account
from app.domain.flows.end_invitations import end_invitations
from app.domain.flows.invite import find_or_create_account, issue_invitation, mail_invitation
from app.domain.flows.revoke_access import revoke_access
from app.domain.keys.repository import KeyRepository
from app.domain.resources import Resources
from app.domain.sessions.repository import SessionRepository
from app.domain.users.access import require_in_transaction
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.errors import Problem, SubjectNotFound
from app.guards.roles import PlatformRole
from app.text import name_in_nfc


async def create_user(actor: Actor, resources: Resources, email: str, name: str, locale: str | None = None) -> User:
    """Create a user without a secret, and mail them an invitation.

    Raises `Problem`: `forbidden`, `validation_failed`, `email_taken`, `too_many_requests`.
    """
    address, name = normalise_new(email, resources.settings), name_in_nfc(name)
    async with resources.database.transaction() as transaction:
        await require_in_transaction(actor, transaction, "create", Subject("User", {}))
        user_id, created = await find_or_create_account(
            actor, resources, transaction, address, name=name, locale=locale
        )
        if not created:
            detail = "There is a user with this address already. If they wait, invite them again by their id."
            raise Problem("email_taken", detail)
        user = await UserRepository(transaction).get(user_id)
        await mail_invitation(actor, resources, transaction, user)
        return user


async def create_user_with_link(
    actor: Actor, resources: Resources, email: str, name: str, platform_role: str | None
) -> str:
    """Create a user without a secret, and return the invitation link that sets the secret. Nothing is mailed.

    An empty `name` is set by the user later. Raises `Problem`: `validation_failed`, `email_taken`.
    """
    address, name = normalise_new(email, resources.settings), name_in_nfc(name) if name else ""
    async with resources.database.transaction() as transaction:
        if await KeyRepository(transaction).lock_address(address.unique) is not None:
            raise Problem("email_taken", "There is a user with this address already.")
        user = await create_account(
            actor, transaction, address, now=resources.clock(), name=name, platform_role=platform_role
        )
        return await issue_invitation(actor, resources, transaction, address.unique, user.id, {})


async def invite_user_again(actor: Actor, resources: Resources, user_id: UUID) -> None:
    """Mail a new invitation to the platform; the link of the one before it is void, those to languages are not.

    Raises `Problem`: `forbidden`, `not_found`, `no_invitation`, `too_many_requests`.
    """
    async with _administration(actor, resources, "administer", user_id) as (transaction, users):
        waiting = await users.find_invited(user_id)
        if waiting is None:
            await _existing(users, user_id)
            raise Problem("no_invitation", "Only active users who have not signed in yet wait for one.")
        await mail_invitation(actor, resources, transaction, waiting)


async def suspend_user(actor: Actor, resources: Resources, user_id: UUID, reason: str | None = None) -> None:
    """Suspend the account: its sessions, its outstanding keys and the invitations that it sent end in one transaction.

    Raises `Problem`: `forbidden`, `not_found`, `last_admin`.
    """
    async with _administration(actor, resources, "administer", user_id, "status") as (transaction, users):
        await _require_another_admin(users, user_id)
        present = await _existing(users, user_id)
        if (present.status, present.suspension_reason) != ("suspended", reason):
            if not await users.change(user_id, resources.clock(), status="suspended", suspension_reason=reason):
                raise _no_such_user()
            await record(actor, transaction, "user.suspend", subject_of("user", user_id))
            await revoke_access(actor, transaction, user_id, resources.clock(), "suspended")
            await end_invitations(actor, transaction, user_id)


async def restore_user(actor: Actor, resources: Resources, user_id: UUID) -> None:
    """Undo a suspension. Raises `Problem`: `forbidden`, `not_found`."""
    async with _administration(actor, resources, "administer", user_id, "status") as (transaction, users):
        if (await _existing(users, user_id)).status == "active":
            return
        if not await users.change(user_id, resources.clock(), status="active", suspension_reason=None):
            raise _no_such_user()
        await record(actor, transaction, "user.restore", subject_of("user", user_id))


async def set_platform_role(actor: Actor, resources: Resources, user_id: UUID, role: PlatformRole | None) -> None:
    """Give the user exactly this platform role; None revokes the current one.

    A user who gains a role signs in anew: the role never joins an old session (NIST SP 800-63B-4 section 5.1). A lost
    role is gone from the next request, and the invitations that it allowed end. Raises `Problem`: `forbidden`,
    `not_found`, `last_admin`, `service_account`.
    """
    async with _administration(actor, resources, "administer", user_id, "platformRole") as (transaction, users):
        user = await _existing(users, user_id)
        previous = user.platform_role
        if previous == role:
            return
        if user.kind == "service":
            raise Problem("service_account", "A program administers nobody.")
        if previous is not None:
            await _require_another_admin(users, user_id)
        if not await users.change(user_id, resources.clock(), platform_role=role):
            raise _no_such_user()
        if role is not None:
            await SessionRepository(transaction).end_sessions(user_id, "role_changed", resources.clock())
        action = f"user.grant_{role}" if role else f"user.revoke_{previous}"
        await record(actor, transaction, action, subject_of("user", user_id))
        await end_invitations(actor, transaction, user_id)


async def end_sessions(actor: Actor, resources: Resources, user_id: UUID) -> None:
    """End all sessions of a user, and void all their devices. Raises `Problem`: `forbidden`, `not_found`."""
    async with _administration(actor, resources, "administer", user_id) as (transaction, users):
        await _existing(users, user_id)
        await users.lock_active(user_id)
        await users.void_devices(user_id, resources.clock())
        await SessionRepository(transaction).end_sessions(user_id, "revoked", resources.clock())
        await record(actor, transaction, "session.end_all", subject_of("user", user_id))


async def delete_user(actor: Actor, resources: Resources, user_id: UUID) -> None:
    """Delete the account with its keys, sessions and memberships. Texts that the user wrote stay, without an author.

    A user who deletes their own account is told by mail: somebody else may have been at their session.
    Raises `Problem`: `forbidden`, `not_found`, `last_admin`.
    """
    async with _administration(actor, resources, "delete", user_id) as (transaction, users):
        await _require_another_admin(users, user_id)
        await end_invitations(actor, transaction, user_id, every=True)
        await SessionRepository(transaction).end_sessions(user_id, "account_deleted", resources.clock())
        if actor.user_id == user_id:
            user = await _existing(users, user_id)
            await resources.mail.enqueue(
                transaction, to=user.email, template="account_deleted", locale=user.locale, values={}
            )
        if not await users.remove(user_id):
            raise _no_such_user()
        await record(actor, transaction, "user.delete", subject_of("user", user_id))


@asynccontextmanager
async def _administration(
    actor: Actor, resources: Resources, action: str, user_id: UUID, field: str | None = None
) -> AsyncIterator[tuple[AsyncSession, UserRepository]]:
    """A transaction that holds the lock on platform admins; the actor's right is checked inside it."""
    async with resources.database.transaction() as transaction:
        users = UserRepository(transaction)
        await users.lock_admins()
        await require_in_transaction(actor, transaction, action, _subject(user_id), field)
        yield transaction, users


async def _require_another_admin(users: UserRepository, user_id: UUID) -> None:
    """Refuse the loss of the last active platform admin, and of the last one with a complete profile.

    Raises `Problem` `last_admin`.
    """
    user = await users.find(user_id)
    if user is None or user.platform_role != "admin" or user.status != "active":
        return
    if await users.count_admins() == 1 or (user.onboarded_at and await users.count_admins(onboarded=True) == 1):
        raise Problem("last_admin", "Make another user a platform admin first.")


async def _existing(users: UserRepository, user_id: UUID) -> User:
    """The user. Raises `SubjectNotFound`."""
    user = await users.find(user_id)
    if user is None:
        raise _no_such_user()
    return user


def _no_such_user() -> SubjectNotFound:
    return SubjectNotFound("There is no such user.")


def _subject(user_id: UUID) -> Subject:
    return Subject("User", {"id": str(user_id)})
