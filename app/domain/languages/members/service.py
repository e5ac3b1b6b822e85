"""The rules of members: whoever administers a language adds people by address, and learns nothing about accounts."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import record, subject_of
from app.auth.email_addresses import normalise
from app.clock import Clock
from app.domain.languages import access
from app.domain.languages.members import repository as member_repository
from app.domain.languages.members.repository import MemberRepository
from app.domain.languages.members.schemas import MemberView
from app.domain.users.ports import Invite
from app.errors import Problem
from app.mail.mailer import SendMail
from app.postgres.database import Database

# Voids the outstanding invitation of a user who was invited to languages, in the caller's transaction.
Withdraw = Callable[[AsyncSession, UUID], Awaitable[None]]


class MemberService:
    """Members of languages. Each change is one transaction that checks the admin's right again."""

    def __init__(
        self, database: Database, clock: Clock, invite: Invite, withdraw: Withdraw, send_mail: SendMail
    ) -> None:
        self._database = database
        self._clock = clock
        self._invite = invite
        self._withdraw = withdraw
        self._send_mail = send_mail

    async def page(self, code: str, after: UUID | None, limit: int) -> list[MemberView]:
        """The language's members in the order of their ids, from after the given one."""
        return await member_repository.page(self._database, code, after, limit)

    async def add(self, actor: UUID, code: str, email: str, roles: Sequence[str]) -> None:
        """Add the owner of an address; an unknown one is invited, a known one is told. The answer is the same.

        Raises `Problem`: `validation_failed`, `forbidden`, `not_found`, `already_member`.
        """
        address = normalise(email)
        async with self._database.transaction() as transaction:
            await access.require(transaction, actor, "administer", code)
            members = MemberRepository(session=transaction)
            name = await members.language_name(code)
            if name is None:
                raise Problem("not_found")
            inviter = await members.name_of(actor)
            invited = await self._invite(transaction, address, language=name, inviter=inviter)
            if not await members.join(code, invited.user_id, roles, actor, self._clock()):
                raise Problem("already_member", "Change the member's roles instead.")
            await _record(transaction, "member.add", invited.user_id, code, roles=sorted(set(roles)))
            person = await members.person(invited.user_id)
            if not person.waits and person.status == "active":
                await self._send_mail(
                    transaction,
                    to=person.email,
                    template="member_added",
                    locale=person.locale,
                    values={"language": name, "inviter": inviter},
                )

    async def set_roles(self, actor: UUID, code: str, user_id: UUID, roles: Sequence[str]) -> MemberView:
        """Replace a member's roles; they count from the next request. Raises `Problem`: `forbidden`, `not_found`."""
        async with self._database.transaction() as transaction:
            await access.require(transaction, actor, "administer", code)
            members = MemberRepository(session=transaction)
            await members.set_roles(code, user_id, roles)
            member = await members.find(code, user_id)
            if member is None:
                raise _no_member()
            await _record(transaction, "member.set_roles", user_id, code, roles=member.roles)
            return member

    async def remove(self, actor: UUID, code: str, user_id: UUID) -> None:
        """Remove a member. The invitation goes with the last language that the user was invited to.

        Raises `Problem`: `forbidden`, `not_found`.
        """
        async with self._database.transaction() as transaction:
            await access.require(transaction, actor, "administer", code)
            members = MemberRepository(session=transaction)
            if not await members.leave(code, user_id):
                raise _no_member()
            await _record(transaction, "member.remove", user_id, code)
            if not await members.is_member_somewhere(user_id):
                await self._withdraw(transaction, user_id)

    async def leave(self, user_id: UUID, code: str) -> bool:
        """Leave a language; False where the user is no member."""
        async with self._database.transaction() as transaction:
            left = await MemberRepository(session=transaction).leave(code, user_id)
            if left:
                await _record(transaction, "member.leave", user_id, code)
            return left

    async def invite_again(self, actor: UUID, code: str, user_id: UUID) -> None:
        """Mail a new invitation to a member who has not accepted; the link before it is void. Others get nothing.

        Raises `Problem`: `forbidden`, `not_found`.
        """
        async with self._database.transaction() as transaction:
            await access.require(transaction, actor, "administer", code)
            members = MemberRepository(session=transaction)
            if await members.find(code, user_id) is None:
                raise _no_member()
            person = await members.person(user_id)
            if person.waits:
                name, inviter = await members.language_name(code), await members.name_of(actor)
                await self._invite(transaction, normalise(person.email), language=name, inviter=inviter)


async def _record(transaction: AsyncSession, action: str, user_id: UUID, code: str, **detail: Sequence[str]) -> None:
    await record(transaction, action, subject_of("user", user_id), detail={"language": code, **detail})


def _no_member() -> Problem:
    return Problem("not_found", "This user is no member of the language.")
