"""Signing in with a one-time code of the purpose `sign_in`, and reauthenticating with one."""

from app.audit import Actor
from app.auth.principal import PrincipalUser
from app.domain.flows.purpose import key_not_usable
from app.domain.flows.purposes.sign_in import NAME as SIGN_IN_PURPOSE
from app.domain.flows.redeem_key import find_by_code, redeem_key
from app.domain.flows.schemas import CodeText, Confidential, FlowText, RedeemKeyInput
from app.domain.flows.sign_in_method import SignInMethod
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession, renew_session
from app.domain.users.fields import AddressText
from app.domain.users.repository import UserRepository

NAME = "code"


class CodeSignIn(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag=NAME):
    """Sign in with the code that was mailed for the purpose `sign_in`."""

    email: AddressText
    code: CodeText
    flow: FlowText | None = None


class CodeProof(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag=NAME):
    """Prove again who you are, with a code mailed to your address for the purpose `sign_in`."""

    code: CodeText
    flow: FlowText | None = None


async def sign_in_by_code(actor: Actor, resources: Resources, sent: CodeSignIn) -> StartedSession:
    """Start a session for the user of this address and code. Raises `Problem` as `redeem_key` does."""
    by_code = RedeemKeyInput(purpose=SIGN_IN_PURPOSE, email=sent.email, code=sent.code, flow=sent.flow)
    return await redeem_key(actor, resources, by_code)


async def reauthenticate_by_code(
    actor: Actor, resources: Resources, user: PrincipalUser, sent: CodeProof
) -> StartedSession:
    """Give the actor's session a new token after its user has proved a code mailed to their address.

    Raises `Problem`: `key_not_usable`, `validation_failed`, `too_many_requests`, `not_signed_in`.
    """
    found = await find_by_code(actor, resources, SIGN_IN_PURPOSE, user.email, sent.code, sent.flow, step_up=True)
    async with resources.database.transaction() as transaction:
        active, role = await UserRepository(transaction).lock_active(user.id)
        key = await found.consume(actor, resources, transaction)
        if key.user_id != user.id or not active:
            raise key_not_usable()
        return await renew_session(actor, resources, transaction, role)


METHOD = SignInMethod(
    credentials=CodeSignIn,
    sign_in=sign_in_by_code,
    proof=CodeProof,
    reauthenticate=reauthenticate_by_code,
    enabled=lambda settings: settings.codes,
)
