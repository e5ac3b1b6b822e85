"""Disowning a session: what the token of a mail about a new device is, and ending the session that it names.

The token is sealed and not stored. It gives no right but this one, and works again without effect.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from app.audit import Actor, record, subject_of
from app.domain.resources import Resources
from app.domain.sessions.repository import SessionRepository
from app.domain.sessions.schemas import DisownedSession
from app.domain.users.repository import UserRepository
from app.errors import Problem
from app.secret_key import UnsealError

LIFETIME = timedelta(days=7)


class _Disowning(Struct, frozen=True, tag="disowning"):
    """What a token says. The tag keeps what is sealed for other purposes apart."""

    user_id: UUID
    session_id: UUID
    until: datetime


def disowning_token(resources: Resources, user_id: UUID, session_id: UUID) -> str:
    """The token with which whoever reads the user's mail can end this session, for `LIFETIME`."""
    disowning = _Disowning(user_id, session_id, resources.clock() + LIFETIME)
    return resources.secret_key.seal(msgspec.json.encode(disowning)).decode()


async def disown_session(actor: Actor, resources: Resources, token: str) -> DisownedSession:
    """End the session that the token names, if it has not ended, and void the devices of its user.

    Raises `Problem` `key_not_usable`.
    """
    try:
        disowning = msgspec.json.decode(resources.secret_key.unseal(token.strip().encode()), type=_Disowning)
    except (UnsealError, msgspec.MsgspecError, UnicodeEncodeError):
        raise _not_usable() from None
    if resources.clock() >= disowning.until:
        raise _not_usable()
    async with resources.database.transaction() as transaction:
        users = UserRepository(transaction)
        user = await users.lock(disowning.user_id)
        if user is None:
            raise _not_usable()
        now = resources.clock()
        if await SessionRepository(transaction).end_session(disowning.session_id, user.id, now):
            # Or the next sign-in there would be one on a known device, which nobody is told of.
            await users.void_devices(user.id, now)
            await record(actor, transaction, "session.disown", subject_of("user", user.id))
        return DisownedSession(user.email)


def _not_usable() -> Problem:
    return Problem("key_not_usable", "Sign in and end the session, or set a new password.")
