"""Signing in with the link of the purpose `sign_in`."""

from app.audit import Actor
from app.domain.flows.purposes.sign_in import NAME as SIGN_IN_PURPOSE
from app.domain.flows.redeem_key import redeem_key
from app.domain.flows.schemas import Confidential, RedeemKeyInput, TokenText
from app.domain.flows.sign_in_method import SignInMethod
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession


class LinkSignIn(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="link"):
    """Sign in with the token of the link that was mailed for the purpose `sign_in`."""

    token: TokenText


async def sign_in_by_link(actor: Actor, resources: Resources, sent: LinkSignIn) -> StartedSession:
    """Start a session for the user of this link. Raises `Problem` as `redeem_key` does."""
    return await redeem_key(actor, resources, RedeemKeyInput(token=sent.token), purpose_name=SIGN_IN_PURPOSE)


METHOD = SignInMethod(credentials=LinkSignIn, sign_in=sign_in_by_link, enabled=lambda settings: settings.codes)
