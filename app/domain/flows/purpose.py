"""The declaration of a purpose of single-use keys; each file in `purposes/` has one, as `PURPOSE`."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor
from app.auth.email_addresses import Address
from app.domain.keys.single_use_repository import KeyEnd
from app.domain.resources import Resources
from app.domain.sessions.devices import DeviceOwner
from app.domain.users.models import User
from app.errors import Problem
from app.settings.model import Settings


class KeyRequest(Struct, frozen=True):
    """A request for a key: the address that the mail goes to, and the user if the purpose is for signed-in users."""

    address: Address
    user_id: UUID | None = None


class IssueKey(Struct, frozen=True):
    """Issue a key, bound to this user or to nobody yet, and mail it with `template`.

    `devices_since` is that of the user: device cookies issued earlier do not count. Without `mailed`, nobody learns the
    code: the key is there because its user sees it in their list.
    """

    template: str
    to: str
    user_id: UUID | None
    locale: str | None = None
    payload: Mapping[str, str] = {}
    devices_since: datetime | None = None
    mailed: bool = True


class SendNotice(Struct, frozen=True):
    """Issue no key, but mail `template`."""

    template: str
    to: str
    locale: str | None = None


class LiveKey(Struct, frozen=True):
    """The single-use key that is being redeemed: its user, its address, and what it carries.

    `name` is the present name of the user, where `needs` is asked; it may be empty.
    """

    user_id: UUID | None
    address: str
    payload: Mapping[str, str]
    created_at: datetime
    name: str = ""


class Redemption(Struct, frozen=True):
    """What the holder of a key has sent with it, validated. An empty `name` was not sent."""

    address: Address
    name: str
    secret_hash: str | None
    now: datetime
    phone: str | None = None
    locale: str | None = None


class Redeemed(Struct, frozen=True):
    """The user whose session starts, and their platform role.

    `owner` is who is told by mail if the session is on a new device; None where the purpose mails the user anyway.
    """

    user_id: UUID
    platform_role: str | None
    owner: DeviceOwner | None = None


class OneTimeCode(Struct, frozen=True):
    """The code of a purpose: how long it works, and how many wrong guesses end it (NIST SP 800-63B-4 section 3.1.3.2;
    OWASP ASVS 5.0, 6.5.5)."""

    lifetime: timedelta
    attempts: int


class Purpose(Struct, frozen=True):
    """One purpose of single-use keys.

    `request` runs in a job, never in the HTTP request; without it nobody can request such a key. `redeem` runs in the
    transaction that consumes the key; a `Problem` that it raises rolls back both. `code` is None if there is no code,
    `link_lifetime` if there is no link. `needs` names the fields that redeeming needs, `optional` the others that it
    may take; one that is in both is needed. Before a code is compared, `needs` is asked with its address alone.
    `for_users` limits requests to signed-in users who have authenticated a short while ago. With `asks_to_switch`, a
    client in which another user is signed in must say that it wants to sign in as the key's user.
    """

    name: str
    redeem: Callable[[Actor, Resources, AsyncSession, LiveKey, Redemption], Awaitable[Redeemed]]
    request: Callable[[Resources, AsyncSession, KeyRequest], Awaitable[IssueKey | SendNotice | None]] | None = None
    code: OneTimeCode | None = None
    link_lifetime: Callable[[Settings], timedelta] | None = None
    needs: Callable[[Settings, LiveKey], tuple[str, ...]] = lambda _settings, _key: ()
    optional: tuple[str, ...] = ()
    enabled: Callable[[Settings], bool] = lambda _settings: True
    for_users: bool = False
    asks_to_switch: bool = False


def key_not_usable(ended: KeyEnd | None = None) -> Problem:
    """The problem of every key that cannot be used.

    `ended` is why the key of a link has ended: only who presents its token may be told.
    """
    return Problem("key_not_usable", "Ask for a new one.", params={"reason": ended} if ended else None)


def wrong_code(code: OneTimeCode, tries_left: int) -> Problem:
    """`key_not_usable` for a code that is wrong, or belongs to no key, in a flow that has so many tries left."""
    lifetime = int(code.lifetime.total_seconds())
    tries = "1 try" if tries_left == 1 else f"{tries_left} tries"
    detail = f"The code is wrong, or has expired. {tries} left." if tries_left else "Ask for a new one."
    return Problem("key_not_usable", detail, params={"triesLeft": tries_left, "lifetime": lifetime})


def issue_to(user: User | None, template: str) -> IssueKey | None:
    """The key to mail to a user: none if there is no user, or if the user is suspended."""
    if user is None or user.status != "active":
        return None
    return IssueKey(template, user.email, user.id, user.locale, devices_since=user.devices_since)
