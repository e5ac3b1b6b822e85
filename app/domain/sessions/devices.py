"""The device cookie of a request, and the one that a complete sign-in sets."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.audit import Actor
from app.auth import devices
from app.auth.cookies import cookie_values, neighbour
from app.auth.devices import Device
from app.auth.principal import PrincipalUser
from app.domain.resources import Resources


def presented_devices(actor: Actor, resources: Resources) -> tuple[Device, ...]:
    """The devices in the actor's cookies, the newest first; empty if there is none that this server has sealed.

    Of several cookies all that this server has sealed count: one of them can be another user's, planted beside it.
    """
    now = resources.clock()
    cookies = cookie_values(actor.cookies, neighbour(resources.cookie, devices.NAME).name)
    known = [device for sealed in cookies for device in devices.read_devices(resources.secret_key, sealed, now)]
    return tuple(sorted(known, key=lambda device: device.issued_at, reverse=True))


class DeviceOwner(Struct, frozen=True):
    """The user of a sign-in, as they were before it: when they were seen last, and since when their devices count."""

    user_id: UUID
    email: str
    locale: str | None
    last_seen_at: datetime | None
    devices_since: datetime | None


def is_new_device(actor: Actor, resources: Resources, owner: DeviceOwner) -> bool:
    """Whether the user has signed in before, and none of the actor's cookies says that it was on this device."""
    known = devices.known_device(presented_devices(actor, resources), owner.user_id, owner.devices_since)
    return owner.last_seen_at is not None and known is None


def new_device_cookie(actor: Actor, resources: Resources, user: PrincipalUser | None, proved_at: datetime) -> str:
    """The value of `Set-Cookie` that makes this device known for the user, beside the users it is known for already.

    The device gets a new nonce, so a budget of guesses of its own. It is known since the proof, not since the answer:
    what has voided the user's devices between the two has voided this one.
    """
    known = presented_devices(actor, resources)
    if user is not None:  # None: the session has ended meanwhile
        known = devices.with_user(known, user.id, proved_at)
    sealed = devices.seal_devices(resources.secret_key, known)
    return neighbour(resources.cookie, devices.NAME).set_cookie(sealed, int(devices.LIFETIME.total_seconds()))
