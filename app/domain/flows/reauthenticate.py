"""Reauthenticating: the user at a session proves again who they are, before a sensitive action."""

from msgspec import Struct

from app.audit import Actor
from app.auth.principal import PrincipalUser
from app.domain.flows.sign_in_registry import BY_PROOF
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession


async def reauthenticate(actor: Actor, resources: Resources, user: PrincipalUser, proof: Struct) -> StartedSession:
    """Give the actor's session a new token, if the sign-in method accepts `proof` (OWASP ASVS 5.0, 7.2.4).

    Raises `Problem` as the method does.
    """
    return await BY_PROOF[type(proof)](actor, resources, user, proof)
