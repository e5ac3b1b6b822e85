"""What a purpose of single-use keys says of itself."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.addresses import Address
from app.settings import Settings


class LiveKey(Struct, frozen=True):
    """The single-use key at hand: whom and which address it is bound to, and what it carries."""

    user_id: UUID | None
    address: str
    payload: Mapping[str, str]


class Proof(Struct, frozen=True):
    """What the holder of the key has sent, checked and hashed."""

    address: Address
    name: str
    secret_hash: str
    now: datetime


class Redeemed(Struct, frozen=True):
    """Whose session starts now."""

    user_id: UUID
    platform_role: str | None


Redeem = Callable[[AsyncSession, LiveKey, Proof], Awaitable[Redeemed]]


class Purpose(Struct, frozen=True):
    """One purpose: how long a key of it lives, and what redeeming does inside the consuming transaction.

    `redeem` raises `Problem` to refuse; then the transaction, the consumption included, is rolled back.
    """

    name: str
    lifetime: Callable[[Settings], timedelta]
    redeem: Redeem
