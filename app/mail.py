"""Mail: what the domains ask for."""

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession


class SendMail(Protocol):
    """Sends a mail once the transaction has committed, and never if it does not."""

    async def __call__(
        self, transaction: AsyncSession, *, to: str, template: str, locale: str | None, values: Mapping[str, str]
    ) -> None:
        """Queue the mail of `template` to the address `to`."""
        ...
