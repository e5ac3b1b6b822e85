"""The mail about a sign-in on a device that the user has not signed in on before."""

from datetime import UTC
from uuid import UUID

from app.audit import Actor
from app.domain.resources import Resources
from app.domain.sessions.device_names import device_names
from app.domain.sessions.devices import DeviceOwner, is_new_device
from app.domain.sessions.disowning import LIFETIME, disowning_token
from app.errors import Problem


def tell_of_new_device(actor: Actor, resources: Resources, owner: DeviceOwner, session_id: UUID) -> None:
    """Mail the user, if the session that the actor has just started is on a new device; not on their first one.

    In the background, so that the sign-in does not wait. Nothing but the cookie decides: the user agent only words it.
    """
    if is_new_device(actor, resources, owner):
        resources.background.start("new_device_mail_failed", _mail(actor, resources, owner, session_id))


async def _mail(actor: Actor, resources: Resources, owner: DeviceOwner, session_id: UUID) -> None:
    try:
        await resources.rate_limits.hit("new_device_to_user", str(owner.user_id))
    except Problem:
        return
    (device,) = await device_names([actor.user_agent])
    now, token = resources.clock(), disowning_token(resources, owner.user_id, session_id)
    async with resources.database.transaction() as transaction:
        await resources.mail.enqueue(
            transaction,
            to=owner.email,
            template="new_device",
            locale=owner.locale,
            values={
                "device": device or "",
                "time": f"{now.astimezone(UTC):%Y-%m-%d, %H:%M} UTC",
                "link": f"{resources.settings.public_url}/not-me#token={token}",
            },
            expires_at=now + LIFETIME,
        )
