"""The device cookie: which users have signed in completely on this device.

OWASP: Slow Down Online Guessing Attacks with Device Cookies.

The cookie gives no right. It selects the budget in which guesses and requests for mail count, so that a stranger cannot
lock the owner of an account out.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from app.secret_key import SecretKey, UnsealError

NAME = "auth_device"
LIFETIME = timedelta(days=180)
USERS_MAX = 5
# A sealed cookie of `USERS_MAX` users is shorter; longer texts are not decrypted.
SEALED_MAX = 2000


class Device(Struct, frozen=True, array_like=True):
    """A complete sign-in of a user on this device. `nonce` identifies the device to the limits."""

    user_id: UUID
    nonce: str
    issued_at: datetime


def read_devices(secret_key: SecretKey, sealed: str, now: datetime) -> tuple[Device, ...]:
    """The devices in the cookie's value, without expired ones. Empty for a value that this server did not seal."""
    if len(sealed) > SEALED_MAX:
        return ()
    try:
        devices = msgspec.json.decode(secret_key.unseal(sealed.encode()), type=tuple[Device, ...])
    except (UnsealError, msgspec.MsgspecError, UnicodeEncodeError):
        return ()
    return tuple(device for device in devices if now - LIFETIME < device.issued_at <= now)


def seal_devices(secret_key: SecretKey, devices: Sequence[Device]) -> str:
    """The cookie's value, with at most `USERS_MAX` of the devices."""
    return secret_key.seal(msgspec.json.encode(devices[:USERS_MAX])).decode()


def with_user(devices: Sequence[Device], user_id: UUID, now: datetime) -> tuple[Device, ...]:
    """The devices after a complete sign-in of this user: the newest first, at most `USERS_MAX`."""
    others = [device for device in devices if device.user_id != user_id]
    return (Device(user_id, secrets.token_urlsafe(16), now), *others)[:USERS_MAX]


def known_device(devices: Sequence[Device], user_id: UUID | None, since: datetime | None) -> Device | None:
    """The device of this user, if it was issued at or after `since` (`users.devices_since`; None for no limit)."""
    for device in devices:
        if device.user_id == user_id and (since is None or device.issued_at >= since):
            return device
    return None
