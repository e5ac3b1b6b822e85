"""The answer that hands a session to its client: who am I, and the cookies."""

import msgspec
from msgspec import UNSET, Struct, structs

from app.audit import Actor
from app.auth.principal import Principal, PrincipalUser
from app.auth.tokens import token_hash
from app.domain.resources import Resources
from app.domain.sessions.devices import new_device_cookie
from app.domain.sessions.repository import read_principal
from app.domain.sessions.schemas import SignedIn
from app.domain.sessions.service import StartedSession
from app.domain.sessions.who_am_i import who_am_i
from app.http.preconditions import encode_with_etag


class DescribedSession(Struct, frozen=True):
    """The encoded `SignedIn` of a session, its headers, and the values of `Set-Cookie` that hand its token to the
    client and make the device known."""

    body: bytes
    headers: dict[str, str]
    cookies: list[str]


async def describe_session(actor: Actor, resources: Resources, started: StartedSession) -> DescribedSession:
    """The answer to a complete sign-in, or to a new proof of who the actor is."""
    principal = await principal_of_started(resources, started)
    view = who_am_i(principal, resources.settings)
    _, etag = encode_with_etag(view)
    headers = {"Location": "/api/session", "ETag": etag}
    body = msgspec.json.encode(SignedIn(**structs.asdict(view), return_to=started.return_to or UNSET))
    return DescribedSession(body, headers, cookies_of(actor, resources, started, principal.user))


async def principal_of_started(resources: Resources, started: StartedSession) -> Principal:
    """Who calls from now on."""
    return started.principal or await read_principal(resources.database, token_hash(started.token), resources.clock())


def cookies_of(actor: Actor, resources: Resources, started: StartedSession, user: PrincipalUser | None) -> list[str]:
    """The values of `Set-Cookie` of an answer that hands the token of a session to its client: foreign cookies of the
    name go, and the device is known from now on."""
    cookie = resources.cookie
    session = cookie.set_cookie(started.token, started.max_age)
    return [*cookie.clear_elsewhere(), session, new_device_cookie(actor, resources, user, started.proved_at)]
