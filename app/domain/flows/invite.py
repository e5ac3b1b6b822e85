"""Inviting people: the accounts that wait for their owner, and the links that hand them over."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import record, subject_of
from app.auth.email_addresses import Address, normalise
from app.auth.tokens import new_link_token, token_hash
from app.clock import Clock
from app.domain.flows.purposes import invitation
from app.domain.keys.repository import KeyRepository
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.users.models import User
from app.domain.users.ports import Invited
from app.domain.users.repository import UserRepository
from app.errors import Problem
from app.mail.mailer import SendMail
from app.postgres.database import Database
from app.settings.model import Settings


class InvitationService:
    """Invitations. An invited account exists from the start, without a secret and without any right."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, send_mail: SendMail) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._send_mail = send_mail

    async def setup_link(self) -> str | None:
        """A new setup link, which voids the one before; None where a platform admin exists already."""
        async with self._database.transaction() as transaction:
            if await UserRepository(session=transaction).count_admins():
                return None
            return await self._issue(transaction, invitation.SETUP_ADDRESS, None, {})

    async def create_user(self, email: str, name: str, platform_role: str | None) -> str:
        """Create a user without a secret, and give the invitation link that sets it.

        Raises `Problem`: `validation_failed`, `email_taken`.
        """
        address = normalise(email)
        async with self._database.transaction() as transaction:
            if await KeyRepository(session=transaction).owner_of(address.unique) is not None:
                raise Problem("email_taken", "There is a user with this address already.")
            user_id = await self._add_user(transaction, address, name, platform_role)
            return await self._issue(transaction, address.unique, user_id, {})

    async def invite(
        self,
        transaction: AsyncSession,
        address: Address,
        *,
        name: str = "",
        language: str | None = None,
        inviter: str = "",
    ) -> Invited:
        """Find the user of an address, or create one. Whoever has not accepted yet is mailed a new link."""
        users = UserRepository(session=transaction)
        owner = await KeyRepository(session=transaction).owner_of(address.unique)
        if owner is not None and not await users.hold(owner):
            owner = None  # deleted at this moment
        user_id = owner or await self._add_user(transaction, address, name, None)
        waiting = await users.awaits_invitation(user_id)
        if waiting is not None:
            payload = {invitation.MAILED: "yes"}
            keys = SingleUseKeyRepository(session=transaction)
            if language and not await keys.is_invited_to_platform(address.unique, self._clock()):
                payload["language"] = language
            link = await self._issue(transaction, address.unique, user_id, payload)
            await self._send_mail(
                transaction,
                to=waiting.email,
                template="invitation",
                locale=waiting.locale,
                values={"link": link, "inviter": inviter, "language": language or ""},
                expires_at=self._clock() + invitation.lifetime(self._settings),
            )
        return Invited(user_id, created=owner is None)

    async def withdraw(self, transaction: AsyncSession, user_id: UUID) -> None:
        """Void the user's outstanding invitation, if it is to a language."""
        await SingleUseKeyRepository(session=transaction).void_invitation(user_id, invitation.NAME)

    async def _add_user(
        self, transaction: AsyncSession, address: Address, name: str, platform_role: str | None
    ) -> UUID:
        now = self._clock()
        user = await UserRepository(session=transaction).add(
            User(email=address.written, name=name, platform_role=platform_role, created_at=now, updated_at=now)
        )
        if not await KeyRepository(session=transaction).add_primary(user.id, address.unique, None, now):
            raise Problem("email_taken", "There is a user with this address already.")
        await record(transaction, "user.create", subject_of("user", user.id))
        if platform_role is not None:
            await record(transaction, "user.grant_admin", subject_of("user", user.id))
        return user.id

    async def _issue(
        self, transaction: AsyncSession, address: str, user_id: UUID | None, payload: dict[str, str]
    ) -> str:
        token, now = new_link_token(), self._clock()
        await SingleUseKeyRepository(session=transaction).issue(
            purpose=invitation.NAME,
            address=address,
            user_id=user_id,
            token_hash=token_hash(token),
            code_hash=None,
            attempts=None,
            payload=payload,
            now=now,
            expires_at=now + invitation.lifetime(self._settings),
        )
        return f"{self._settings.public_url}/redeem#token={token}"
