"""What accounts need of the other domains; `asgi.py` hands it over."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.email_addresses import Address

# Ends every session of a user, or every session and every outstanding single-use key, in the caller's transaction.
Revoke = Callable[[AsyncSession, UUID], Awaitable[None]]


class Invited(Struct, frozen=True):
    """Whom an address belongs to now; `created` where nobody had it before."""

    user_id: UUID
    created: bool


class Invite(Protocol):
    """Finds the user of an address, or creates one without a secret and mails them an invitation."""

    async def __call__(
        self,
        transaction: AsyncSession,
        address: Address,
        *,
        name: str = "",
        language: str | None = None,
        inviter: str = "",
    ) -> Invited:
        """In the caller's transaction.

        `language` is the name of the language that the invitation is to, if it is to one, `inviter` that of whoever
        invites, for the mail.
        """
        ...
