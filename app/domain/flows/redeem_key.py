"""Redeeming a single-use key: check it, consume it and do what its purpose does, all or nothing."""

from collections.abc import Mapping
from hmac import compare_digest
from uuid import UUID

from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record
from app.auth import flows
from app.auth.email_addresses import normalise, normalise_new
from app.auth.principal import PrincipalUser
from app.auth.tokens import pasted_code, pasted_link_token, token_hash
from app.domain.flows.guess_limits import (
    Guess,
    count_guess,
    guesses_left,
    hash_client,
    may_estimate,
    note_owner,
    note_right,
)
from app.domain.flows.invite import INVITER, LANGUAGE
from app.domain.flows.new_device import tell_of_new_device
from app.domain.flows.purpose import LiveKey, OneTimeCode, Purpose, Redemption, key_not_usable, wrong_code
from app.domain.flows.purpose_registry import PURPOSES
from app.domain.flows.repository import find_account
from app.domain.flows.request_key import RETURN_TO, code_hashes, flow_cookie
from app.domain.flows.schemas import InspectedKey, RedeemKeyInput
from app.domain.flows.set_password import hash_new_secret, require_acceptable
from app.domain.keys.models import Key
from app.domain.keys.service import key_subject
from app.domain.keys.single_use_repository import CodeOf, SingleUseKeyRepository, end_of
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession, start_session
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.errors import FieldError, Problem, invalid
from app.postgres.rows import to_struct
from app.text import name_in_nfc

# The stored hash of no flow.
NO_FLOW = ""
# The fields that are refused with a key whose purpose neither needs nor takes them.
GIVEN = ("name", "phone", "locale", "secret")


class FoundKey(Struct, frozen=True):
    """A key that can be redeemed.

    If its holder presented a code, `code` is where the code belongs and `hashes` are the hashes of that code; if a
    link, both are empty.
    """

    key: Key
    purpose: Purpose
    code: CodeOf | None = None
    hashes: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """How the session that starts was authenticated."""
        return "code" if self.code else "link"

    async def consume(self, actor: Actor, resources: Resources, transaction: AsyncSession) -> Key:
        """Consume the key. Raises `Problem` `key_not_usable` if a concurrent request has consumed it."""
        keys, now = SingleUseKeyRepository(transaction), resources.clock()
        if self.code:
            key = await keys.consume_code(self.code, self.hashes, now)
        else:
            key = await keys.consume_link(bytes.fromhex(self.key.identifier), self.purpose.name, now)
        if key is None:
            raise key_not_usable()
        subject = key_subject(key.user_id, key.id)
        await record(actor, transaction, "key.use", subject, detail={"purpose": key.purpose})
        return key

    async def give_attempt_back(self, resources: Resources) -> None:
        """Give back the attempt that a right code has taken, if the key is still live. A link has no attempts."""
        if self.code:
            async with resources.database.transaction() as transaction:
                keys = SingleUseKeyRepository(transaction)
                await keys.give_attempt_back(self.code, self.hashes, resources.clock())


async def redeem_key(
    actor: Actor, resources: Resources, sent: RedeemKeyInput, purpose_name: str | None = None
) -> StartedSession:
    """Redeem a link's token, or a code with its purpose, address and flow; `purpose_name` limits redeeming to one
    purpose.

    Every key that cannot be used gets the `Problem` `key_not_usable`, which says why only to who presents the token of
    its link. It also raises `validation_failed` and `signed_in_as_another`, `email_taken`, `too_many_requests` and
    `temporarily_unavailable`, which leave the key usable, and its code with the attempts that it had. A secret that
    nobody may have is refused before anything is looked for, and so is a field that no code of the purpose takes.
    """
    found = await _find_key(actor, resources, sent)
    try:
        return await _redeem(actor, resources, found, sent, purpose_name)
    except Problem as refusal:
        if refusal.code != "key_not_usable":
            await found.give_attempt_back(resources)
        raise


async def _redeem(
    actor: Actor, resources: Resources, found: FoundKey, sent: RedeemKeyInput, purpose_name: str | None
) -> StartedSession:
    """Redeem a key that can be redeemed. Raises `Problem` as `redeem_key` does."""
    if purpose_name is not None and found.purpose.name != purpose_name:
        raise key_not_usable()
    if found.purpose.asks_to_switch and actor.user_id not in (None, found.key.user_id) and not sent.switch:
        raise Problem("signed_in_as_another", "Sign out first, or send `switch` to sign in as the user of this link.")
    redemption = await _validate(actor, resources, found, sent)
    async with resources.database.transaction() as transaction:
        if found.key.user_id is not None:
            await UserRepository(transaction).lock_active(found.key.user_id)
        # Now the user is locked (`void_devices`).
        redemption = structs.replace(redemption, now=resources.clock())
        key = await found.consume(actor, resources, transaction)
        redeemed = await found.purpose.redeem(actor, resources, transaction, _live(key), redemption)
        started = await start_session(
            actor,
            resources,
            transaction,
            user_id=redeemed.user_id,
            platform_role=redeemed.platform_role,
            method=found.method,
        )
    if redeemed.owner is not None and started.session_id is not None:
        tell_of_new_device(actor, resources, redeemed.owner, started.session_id)
    if found.code is None:
        note_owner(resources, key.address or "")
    return structs.replace(started, return_to=key.payload.get(RETURN_TO))


async def inspect_key(resources: Resources, token: str) -> InspectedKey:
    """What a link is for. Consumes nothing. Raises `Problem`: `validation_failed`, `key_not_usable`."""
    found = await _find_by_link(resources, token)
    key, user = found.key, await _user_of(resources, found.key.user_id)
    needs = found.purpose.needs(resources.settings, _live(key, user))
    required = () if user and user.onboarded_at else resources.settings.required_profile_fields
    return InspectedKey(
        purpose=found.purpose.name,
        email=key.address or None,
        language=key.language_code,
        language_name=key.payload.get(LANGUAGE),
        inviter_name=key.payload.get(INVITER) or None,
        return_to=key.payload.get(RETURN_TO),
        needs=list(needs),
        optional=[field for field in found.purpose.optional if field not in needs],
        missing=[field for field in required if not getattr(user, field, None)],
    )


async def is_spent_link_of(resources: Resources, token: str, user: PrincipalUser) -> bool:
    """Whether the link has been used, and was for this user or for the user's address."""
    async with resources.database.transaction() as transaction:
        key = await SingleUseKeyRepository(transaction).find_link(token_hash(token))
    if key is None or end_of(key, resources.clock()) != "used":
        return False
    return key.user_id == user.id or key.address == normalise(user.email).unique


async def find_by_code(
    actor: Actor,
    resources: Resources,
    purpose_name: str,
    email: str,
    code: str,
    sent_flow: str | None,
    *,
    step_up: bool = False,
    secret: str | None = None,
) -> FoundKey:
    """The key of a right code. The attempt is counted and committed before the code is compared.

    `sent_flow` is the flow in the body; without it, the cookie's counts. A code of another flow is a wrong code, and an
    expired flow is none for the limits.
    `step_up`: the actor proves again who they are. `secret` is the new secret that was sent with the code: whether
    anybody with this address may have it is checked before the attempt is counted, and does not depend on the code.
    This needs a live flow that has tries left, and the client's network has a bounded number of such checks, so that it
    is no free work for everybody.

    Raises `Problem`: `validation_failed`, `key_not_usable`, `too_many_requests`.
    """
    digits = pasted_code(code)
    if digits is None:
        raise invalid("code", "invalid_code", "A code is eight digits")
    address = normalise(email).unique
    flow_text = sent_flow or flow_cookie(actor, resources, address, purpose_name)
    if not flow_text:
        advice = "Send the flow of the answer to the request for the code, or its cookie"
        raise invalid("flow", "missing", advice, params={"form": "flow"})
    purpose = PURPOSES.get(purpose_name)
    account = await find_account(resources.database, address)
    flow = flows.read_flow(resources.secret_key, flow_text, address, purpose_name)
    live_flow = flow.hash if flow and flow.is_live(resources.clock()) else None
    if secret is not None and live_flow is not None and await may_estimate(actor, resources, live_flow):
        await require_acceptable(resources, hash_client(actor, resources, address, account), secret, address)
    guess = await count_guess(actor, resources, address, account, flow_hash=live_flow, step_up=step_up)
    if purpose is None or purpose.code is None or not purpose.enabled(resources.settings):
        raise key_not_usable()
    place = CodeOf(address, purpose.name, flow.hash if flow else NO_FLOW, purpose.code.lifetime)
    async with resources.database.transaction() as transaction:
        keys = SingleUseKeyRepository(transaction)
        key = await keys.count_attempt(place, resources.clock())
    hashes = code_hashes(resources, address, purpose.name, digits)
    right = any(compare_digest(hashed, key.secret_hash or "") for hashed in hashes) if key else False
    if key is None or not right:
        raise await _refused_code(resources, guess, purpose.code, live_flow, key)
    note_right(resources, guess)
    return FoundKey(key, purpose, place, hashes)


async def _refused_code(
    resources: Resources, guess: Guess, code: OneTimeCode, live_flow: str | None, key: Key | None
) -> Problem:
    """The problem of a wrong code: with the tries that are left, where the flow is a live one of this service.

    Only an account has a known device, which may learn how many attempts the key has. Everybody else learns what the
    limits have counted, which is the same for addresses without an account.
    """
    left = None
    if live_flow is not None:
        known = key.attempts_left if key else None
        left = known if guess.by_device else await guesses_left(resources, live_flow, code.attempts)
    return key_not_usable() if left is None else wrong_code(code, left)


async def _find_key(actor: Actor, resources: Resources, sent: RedeemKeyInput) -> FoundKey:
    if sent.token is not None:
        if sent.code is not None or sent.purpose is not None:
            raise invalid("token", "ambiguous", "Send a token, or a purpose with email and code")
        return await _find_by_link(resources, sent.token)
    if sent.purpose is None or sent.email is None or sent.code is None:
        by_code = {"purpose": sent.purpose, "email": sent.email, "code": sent.code}
        absent = [name for name, value in by_code.items() if value is None]
        raise Problem("validation_failed", errors=[FieldError(name, "missing", "Or send a token") for name in absent])
    purpose = PURPOSES.get(sent.purpose)
    if purpose and purpose.code and purpose.enabled(resources.settings):
        _refuse_not_taken(resources, purpose, LiveKey(None, sent.email, {}, resources.clock()), sent)
    return await find_by_code(
        actor, resources, sent.purpose, sent.email, sent.code, sent.flow, secret=sent.secret or None
    )


async def _find_by_link(resources: Resources, pasted: str) -> FoundKey:
    token = pasted_link_token(pasted)
    if token is None:
        raise invalid("token", "invalid_token", "This is not the token of a link: copy it whole")
    async with resources.database.transaction() as transaction:
        key = await SingleUseKeyRepository(transaction).find_link(token_hash(token))
    purpose = PURPOSES.get(key.purpose or "") if key else None
    if key is None or purpose is None or purpose.link_lifetime is None or not purpose.enabled(resources.settings):
        raise key_not_usable()
    if ended := end_of(key, resources.clock()):
        raise key_not_usable(ended)
    return FoundKey(key, purpose)


async def _validate(actor: Actor, resources: Resources, found: FoundKey, sent: RedeemKeyInput) -> Redemption:
    """What was sent with the key, validated, with the secret hashed."""
    live = _live(found.key)
    if found.purpose.needs(resources.settings, live):
        live = _live(found.key, await _user_of(resources, live.user_id))
    needed = found.purpose.needs(resources.settings, live)
    values: Mapping[str, str | None] = {"email": sent.email, "name": sent.name, "secret": sent.secret}
    missing = [FieldError(name, "missing", "This key needs the field") for name in needed if not values[name]]
    if missing:
        raise Problem("validation_failed", errors=missing)
    _refuse_not_taken(resources, found.purpose, live, sent)
    address = normalise_new(sent.email, resources.settings) if sent.email else normalise(live.address)
    if live.address not in ("", address.unique):
        raise key_not_usable()
    name = name_in_nfc(sent.name) if sent.name else ""
    hashed = None
    if "secret" in needed:
        hashed = await hash_new_secret(actor, resources, sent.secret or "", address.unique, name, live.name)
    return Redemption(address, name, hashed, resources.clock(), sent.phone, sent.locale)


def _refuse_not_taken(resources: Resources, purpose: Purpose, key: LiveKey, sent: RedeemKeyInput) -> None:
    """Raises `Problem` `validation_failed` for fields that would have no effect, in silence."""
    taken = {*purpose.needs(resources.settings, key), *purpose.optional}
    not_taken = [name for name in GIVEN if getattr(sent, name) is not None and name not in taken]
    if not_taken:
        refused = [FieldError(name, "unknown_field", "This key does not take the field") for name in not_taken]
        raise Problem("validation_failed", errors=refused)


async def _user_of(resources: Resources, user_id: UUID | None) -> User | None:
    if user_id is None:
        return None
    async with resources.database.transaction() as transaction:
        return await UserRepository(transaction).find(user_id)


def _live(key: Key, user: User | None = None) -> LiveKey:
    return to_struct(LiveKey, key, address=key.address or "", name=user.name if user else "")
