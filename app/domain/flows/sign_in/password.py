"""Signing in with email address and password, and reauthenticating with the password."""

from app.audit import Actor
from app.auth.email_addresses import normalise
from app.auth.passwords import rules
from app.auth.principal import PrincipalUser
from app.domain.flows.guess_limits import Guess, count_guess, note_right, take_back
from app.domain.flows.new_device import tell_of_new_device
from app.domain.flows.repository import PrimaryKey, find_primary_key, find_primary_key_of, note_use, sign_in
from app.domain.flows.schemas import Confidential, SecretText
from app.domain.flows.set_password import require_passwords
from app.domain.flows.sign_in_method import SignInMethod
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession, end_presented, new_session, renew_session
from app.domain.users.fields import AddressText
from app.errors import Problem

NAME = "password"

# Between reading the key and signing in, a concurrent sign-in may rehash the secret, or the role may change: the second
# try reads the key again.
TRIES = 2


class PasswordSignIn(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag=NAME):
    """Sign in with email and secret."""

    email: AddressText
    secret: SecretText


class PasswordProof(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag=NAME):
    """Prove again who you are, with the secret."""

    secret: SecretText


async def sign_in_by_password(actor: Actor, resources: Resources, sent: PasswordSignIn) -> StartedSession:
    """Start a session for the user of this address and secret.

    Unknown address, wrong secret, no secret and suspended user get one answer after the same work: one hash (OWASP
    ASVS 5.0, 6.3.8). The limits of guesses apply before that. Raises `Problem`: `invalid_credentials`,
    `validation_failed`, `method_disabled`, `too_many_requests`, `temporarily_unavailable`.
    """
    secret, address = _normal(resources, sent.secret), normalise(sent.email).unique
    found = await find_primary_key(resources.database, address)
    guess = await count_guess(actor, resources, address, found.account if found else None)
    for _ in range(TRIES):
        key, rehashed = await _verify(resources, found, secret, guess)
        token, new = new_session(actor, resources, NAME, key.platform_role)
        if actor.presented:
            async with resources.database.transaction() as transaction:
                await end_presented(actor, transaction, "signed_in_again", new.now)
        principal = await sign_in(resources.database, key, rehashed, new)
        if principal:
            note_right(resources, guess)
            tell_of_new_device(actor, resources, key.owner, new.id)
            return StartedSession(token, new.max_age, new.now, principal)
        found = await find_primary_key(resources.database, address)
    raise _invalid_credentials()


async def reauthenticate_by_password(
    actor: Actor, resources: Resources, user: PrincipalUser, sent: PasswordProof
) -> StartedSession:
    """Give the actor's session a new token after its user has proved the secret.

    Raises `Problem` as `sign_in_by_password` does, and `not_signed_in` if the session has ended meanwhile.
    """
    secret, address = _normal(resources, sent.secret), normalise(user.email).unique
    found = await find_primary_key_of(resources.database, user.id)
    guess = await count_guess(actor, resources, address, found.account if found else None, step_up=True)
    for _ in range(TRIES):
        key, rehashed = await _verify(resources, found, secret, guess)
        async with resources.database.transaction() as transaction:
            done, role = await note_use(transaction, key, rehashed, resources.clock())
            if done:
                note_right(resources, guess)
                return await renew_session(actor, resources, transaction, role)
        found = await find_primary_key_of(resources.database, user.id)
    raise _invalid_credentials()


def _normal(resources: Resources, secret: str) -> str:
    """The normalised secret, if it can be anybody's."""
    require_passwords(resources)
    normal = rules.normalise(secret)
    if normal is None:
        raise rules.too_long()
    return normal


async def _verify(resources: Resources, key: PrimaryKey | None, secret: str, guess: Guess) -> tuple[PrimaryKey, str]:
    """The key whose secret this is, and the hash to store for it from now on."""
    hasher, stored = resources.hasher, key.secret_hash if key and key.status == "active" else None
    try:
        matches = await hasher.verify(stored, secret, guess.client)
        if stored is not None and matches and hasher.needs_rehash(stored):
            stored = await hasher.hash(secret, guess.client)
    except Problem:  # the queue is full: the guess has found out nothing
        take_back(resources, guess)
        raise
    if key is None or stored is None or not matches:
        raise _invalid_credentials()
    return key, stored


def _invalid_credentials() -> Problem:
    return Problem("invalid_credentials", "Check the address and the secret.")


METHOD = SignInMethod(
    credentials=PasswordSignIn,
    sign_in=sign_in_by_password,
    proof=PasswordProof,
    reauthenticate=reauthenticate_by_password,
    enabled=lambda settings: settings.passwords,
)
