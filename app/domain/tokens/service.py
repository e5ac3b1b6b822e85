"""The rules of tokens and of the keys that sign them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record, subject_of
from app.auth.principal import Principal, PrincipalSession, PrincipalUser
from app.auth.tokens import token_hash
from app.domain.resources import Resources
from app.domain.sessions.repository import read_principal
from app.domain.tokens.models import SigningKey
from app.domain.tokens.repository import SigningKeyRepository, read_public_keys
from app.domain.tokens.schemas import IssuedToken, JsonWebKey
from app.domain.tokens.signing import new_key_pair, sign
from app.errors import Problem, invalid
from app.guards.policy import is_onboarded
from app.secret_key import UnsealError
from app.settings.model import TOKEN_SECONDS_MAX

# For how long caches may keep the published keys.
KEYS_MAX_AGE = 300
# A new key is published for this long before it signs, so that every verifier has it by then.
PUBLISHED_BEFORE = timedelta(seconds=2 * KEYS_MAX_AGE)
# A key that signs no more is published for the longest life of a token, and for clocks that differ.
PUBLISHED_AFTER = timedelta(seconds=TOKEN_SECONDS_MAX + 60)
# Tokens are sent in a header, for which servers have little room: a user of more languages gets a token without them.
LANGUAGES_MAX = 100


class Rotation(Struct, frozen=True):
    """A new key: it signs from `signs_from` on, when the keys before it stop."""

    kid: str
    algorithm: str
    signs_from: datetime


async def issue_token(actor: Actor, resources: Resources, audience: str) -> IssuedToken:
    """A token for one back end about the user and the session of the actor, as the database has them now.

    It ends with the session if that is sooner. Raises `Problem`: `validation_failed`, `not_signed_in` if the session
    has ended or the user is suspended, `onboarding_required`, and `temporarily_unavailable` if SECRET_KEY does not
    decrypt the signing key.
    """
    if audience not in resources.settings.token_audiences:
        raise invalid("audience", "invalid", "One of TOKEN_AUDIENCES is expected here")
    principal, user, session = await _read(actor, resources)
    key = await _signing_key(actor, resources)
    now = resources.clock()
    lifetime = timedelta(seconds=resources.settings.token_seconds)
    expires_at = min(now + lifetime, session.idle_expires_at, session.expires_at)
    claims = {
        "iss": resources.settings.public_url,
        "sub": str(user.id),
        "sid": str(session.id),
        "aud": audience,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": str(uuid4()),
        "platform_role": user.platform_role,
        "roles": _roles(principal),
    }
    try:
        private_key = resources.secret_key.unseal(key.sealed)
    except UnsealError:
        raise Problem(
            "temporarily_unavailable", "No token can be signed now.", headers={"Retry-After": "60"},
            reason="signing_key_not_decrypted: `ostiary signing-keys rotate --at-once` makes another one",
        ) from None  # fmt: skip
    token = sign(claims, key.kid, key.algorithm, private_key)
    return IssuedToken(token, datetime.fromtimestamp(int(expires_at.timestamp()), tz=expires_at.tzinfo))


async def make_first_key(actor: Actor, resources: Resources) -> None:
    """Make the key that signs if there is none, so that no verifier reads a set without it; only with audiences."""
    if resources.settings.token_audiences:
        await _signing_key(actor, resources)


async def published_keys(resources: Resources) -> list[JsonWebKey]:
    """The public halves of all keys with which a live token may be signed, and of the next one."""
    return await read_public_keys(resources.database, resources.clock())


async def list_keys(resources: Resources) -> Sequence[SigningKey]:
    """The published keys, in the order in which they sign."""
    async with resources.database.transaction() as transaction:
        return await SigningKeyRepository(transaction).published(resources.clock())


async def rotate_keys(actor: Actor, resources: Resources, *, at_once: bool = False) -> Rotation:
    """Make a new key of the algorithm TOKEN_ALGORITHM. It signs once every verifier can have it.

    The key before it is published until its last token has ended. With `at_once`, for a key that was stolen, the new
    key signs now, and all others are deleted: verifiers refuse their tokens when they read the keys again. Raises
    `ValueError` if the key of an earlier rotation does not sign yet.
    """
    async with resources.database.transaction() as transaction:
        keys = SigningKeyRepository(transaction)
        await keys.lock()
        now = resources.clock()
        if at_once:
            for kid in await keys.delete_all():
                await record(actor, transaction, "signing_key.withdraw", subject_of("signing_key", kid))
        published = await keys.published(now)
        if any(key.signs_from > now for key in published):
            raise ValueError(f"the next key signs from {published[-1].signs_from:%Y-%m-%dT%H:%M:%SZ} on already")
        return await _add_key(actor, resources, transaction, now + PUBLISHED_BEFORE if published else now)


async def _read(actor: Actor, resources: Resources) -> tuple[Principal, PrincipalUser, PrincipalSession]:
    """The principal of the actor's token in the database: what a worker has in memory may have ended a moment ago."""
    hashed = token_hash(actor.token or "")
    principal = await read_principal(resources.database, hashed, resources.clock())
    if principal.user is None or principal.session is None or principal.replaced:
        raise Problem("not_signed_in", "This session has ended.")
    if not is_onboarded(principal):
        raise Problem("onboarding_required", "Complete the fields that GET /api/session lists first.")
    return principal, principal.user, principal.session


def _roles(principal: Principal) -> dict[str, list[str]] | None:
    """The roles by language; None for more languages than a token has room for."""
    if len(principal.memberships) > LANGUAGES_MAX:
        return None
    return {membership.language: list(membership.roles) for membership in principal.memberships}


async def _signing_key(actor: Actor, resources: Resources) -> SigningKey:
    """The key that signs now; the first one is made here."""
    async with resources.database.transaction() as transaction:
        keys = SigningKeyRepository(transaction)
        key = _present(await keys.published(resources.clock()), resources.clock())
        if key is None:
            await keys.lock()
            key = _present(await keys.published(resources.clock()), resources.clock())
        if key is None:
            await _add_key(actor, resources, transaction, resources.clock())
            key = _present(await keys.published(resources.clock()), resources.clock())
        if key is None:
            raise RuntimeError("a key that was added is not there")
        await _reseal(resources, keys, key)
        return key


def _present(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """The key that signs at this time; the first one also where the clock is behind that of its maker."""
    return next((key for key in reversed(keys) if key.signs_from <= now), keys[0] if keys else None)


async def _reseal(resources: Resources, keys: SigningKeyRepository, key: SigningKey) -> None:
    """Encrypt the keys with SECRET_KEY that SECRET_KEY_PREVIOUS has encrypted, before that one is forgotten."""
    if resources.settings.secret_key_previous is None or resources.secret_key.is_sealed_anew(key.sealed):
        return
    for each in await keys.published(resources.clock()):
        await keys.reseal(each.kid, resources.secret_key.reseal(each.sealed))


async def _add_key(actor: Actor, resources: Resources, transaction: AsyncSession, signs_from: datetime) -> Rotation:
    """Add a key that signs from this time on. The caller holds the lock."""
    keys = SigningKeyRepository(transaction)
    pair = new_key_pair(resources.settings.token_algorithm)
    await keys.end_publication(signs_from + PUBLISHED_AFTER)
    await keys.add(
        SigningKey(
            kid=pair.kid,
            algorithm=pair.algorithm,
            public_key=pair.public_key,
            sealed=resources.secret_key.seal(pair.private_key),
            created_at=resources.clock(),
            signs_from=signs_from,
        )
    )
    detail = {"algorithm": pair.algorithm, "signsFrom": signs_from.isoformat()}
    await record(actor, transaction, "signing_key.create", subject_of("signing_key", pair.kid), detail=detail)
    return Rotation(pair.kid, pair.algorithm, signs_from)
