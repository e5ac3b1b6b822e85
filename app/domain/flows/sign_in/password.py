"""Signing in with email address and password, and reauthenticating with the password."""

from app.audit import Actor
from app.auth.email_addresses import normalise
from app.auth.passwords import rules
from app.auth.principal import PrincipalUser
from app.domain.flows.repository import PrimaryKey, find_primary_key, find_primary_key_of, sign_in
from app.domain.flows.schemas import Confidential, SecretText
from app.domain.flows.set_password import require_passwords
from app.domain.flows.sign_in_method import SignInMethod
from app.domain.keys.repository import KeyRepository
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession, new_session, renew_session
from app.domain.users.fields import AddressText
from app.domain.users.repository import UserRepository
from app.errors import Problem, invalid

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
    ASVS 5.0, 6.3.8). Raises `Problem`: `invalid_credentials`, `validation_failed`, `method_disabled`,
    `temporarily_unavailable`.
    """
    address = normalise(sent.email)
    for _ in range(TRIES):
        found = await find_primary_key(resources.database, address.unique)
        key, rehashed = await _verify(resources, found, sent.secret)
        token, new = new_session(actor, resources, NAME, key.platform_role)
        principal = await sign_in(resources.database, key, rehashed, new)
        if principal:
            max_age = new.idle_expires_at - new.now
            return StartedSession(token, int(max_age.total_seconds()), principal)
    raise _invalid_credentials()


async def reauthenticate_by_password(
    actor: Actor, resources: Resources, user: PrincipalUser, sent: PasswordProof
) -> StartedSession:
    """Give the actor's session a new token after its user has proved the secret.

    Raises `Problem` as `sign_in_by_password` does, and `not_signed_in` if the session has ended meanwhile.
    """
    for _ in range(TRIES):
        found = await find_primary_key_of(resources.database, user.id)
        key, rehashed = await _verify(resources, found, sent.secret)
        async with resources.database.transaction() as transaction:
            active, role = await UserRepository(transaction).lock_active(key.user_id)
            keys = KeyRepository(transaction)
            if active and await keys.note_use(key.id, key.secret_hash or "", rehashed, resources.clock()):
                await SingleUseKeyRepository(transaction).reset_failures_of(key.user_id)
                return await renew_session(actor, resources, transaction, role)
    raise _invalid_credentials()


async def _verify(resources: Resources, key: PrimaryKey | None, secret: str) -> tuple[PrimaryKey, str]:
    """The key whose secret this is, and the hash to store for it from now on."""
    require_passwords(resources)
    normal = rules.normalise(secret)
    if normal is None:
        raise invalid("secret", "too_long", f"At most {rules.MAX_LENGTH} characters")
    matches = await resources.hasher.verify(key.secret_hash if key else None, normal)
    if not matches or key is None or key.secret_hash is None or key.status != "active":
        raise _invalid_credentials()
    if resources.hasher.needs_rehash(key.secret_hash):
        return key, await resources.hasher.hash(normal)
    return key, key.secret_hash


def _invalid_credentials() -> Problem:
    return Problem("invalid_credentials", "Check the address and the secret.")


METHOD = SignInMethod(
    credentials=PasswordSignIn,
    sign_in=sign_in_by_password,
    proof=PasswordProof,
    reauthenticate=reauthenticate_by_password,
)
