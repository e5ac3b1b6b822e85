"""What a purpose of single-use keys says of itself."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.email_addresses import Address
from app.domain.flows.ports import Services
from app.settings.model import Settings

CODE_ATTEMPTS = 5


class Asked(Struct, frozen=True):
    """A request for a key: the address it goes to, and who asks, where the purpose needs to know."""

    address: Address
    user_id: UUID | None = None
    name: str = ""
    phone: str | None = None


class Issue(Struct, frozen=True):
    """Issue a key, bound to this user or to nobody yet, and mail it with `template`."""

    template: str
    to: str
    user_id: UUID | None
    locale: str | None = None
    payload: Mapping[str, str] = {}


class Notice(Struct, frozen=True):
    """Issue nothing, but mail `template`."""

    template: str
    to: str
    locale: str | None = None


class LiveKey(Struct, frozen=True):
    """The single-use key at hand: whom and which address it is bound to, and what it carries."""

    user_id: UUID | None
    address: str
    payload: Mapping[str, str]
    created_at: datetime


class Proof(Struct, frozen=True):
    """What the holder of the key has sent, checked; `caller` is who was signed in meanwhile."""

    address: Address
    name: str
    secret_hash: str | None
    caller: UUID | None
    now: datetime


class Redeemed(Struct, frozen=True):
    """Whose session starts now."""

    user_id: UUID
    platform_role: str | None


class Purpose(Struct, frozen=True):
    """One purpose of single-use keys.

    `link_lifetime` is None where there is no link, `has_code` where there is a code. `ask` runs for every request, in a
    job and never in the request itself; None where nobody can ask for such a key. `redeem` runs inside the consuming
    transaction and raises `Problem` to refuse: then the transaction, the consumption included, is rolled back.
    """

    name: str
    redeem: Callable[[AsyncSession, Services, LiveKey, Proof], Awaitable[Redeemed]]
    ask: Callable[[AsyncSession, Services, Asked], Awaitable[Issue | Notice | None]] | None = None
    link_lifetime: Callable[[Settings], timedelta] | None = None
    has_code: bool = False
    needs: Callable[[Settings, LiveKey], tuple[str, ...]] = lambda _settings, _key: ()
    enabled: Callable[[Settings], bool] = lambda _settings: True
    asked_by_user: bool = False
