"""The rules of keys that concern the table alone: listing and deleting keys, setting a secret, voiding keys."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record, subject_of
from app.auth.email_addresses import normalise
from app.domain.keys.models import Key
from app.domain.keys.repository import KeyRepository, Listed
from app.domain.keys.single_use_repository import SingleUseKeyRepository, VoidedKey, end_of
from app.domain.resources import Resources
from app.errors import Problem, SubjectNotFound

# Purposes whose keys protect an account from a thief of its session: the user can neither list nor delete them, and
# revoking access does not void these keys.
EMAIL_CHANGE_UNDO = "email_change_undo"
PROTECTED_PURPOSES = frozenset({EMAIL_CHANGE_UNDO})
# Purposes whose keys have no link: without a code that works, such a key is not usable.
CODE_ONLY_PURPOSES = frozenset({"email_change"})


async def user_id_of_email(resources: Resources, email: str) -> UUID:
    """The id of the user with this address. Raises `Problem`: `validation_failed`, `not_found`."""
    async with resources.database.transaction() as transaction:
        user_id = await KeyRepository(transaction).find_user_id(normalise(email).unique)
    if user_id is None:
        raise Problem("not_found", "There is no user with this address.")
    return user_id


async def list_keys(
    resources: Resources, user_id: UUID, purpose: str | None, after: UUID | None, limit: int
) -> list[Key]:
    """The user's usable keys, of one purpose or of all, oldest first, from after the given id."""
    listed = Listed(PROTECTED_PURPOSES, CODE_ONLY_PURPOSES, purpose)
    async with resources.database.transaction() as transaction:
        return await KeyRepository(transaction).page(user_id, resources.clock(), after, limit, listed)


async def delete_key(actor: Actor, resources: Resources, key_id: UUID) -> None:
    """Delete one of the actor's single-use keys. One that has ended already stays as it is.

    Raises `SubjectNotFound`, and `Problem` `primary_key_required`: the primary key goes only with the user.
    """
    async with resources.database.transaction() as transaction:
        keys = KeyRepository(transaction)
        key = await keys.lock_listed(key_id, actor.require_user_id(), PROTECTED_PURPOSES)
        if key is None:
            raise SubjectNotFound
        if key.kind == "primary":
            raise Problem("primary_key_required", "A user always keeps a way in. The address can be changed instead.")
        if end_of(key, resources.clock()):
            return
        await keys.void(key_id)
        await record(actor, transaction, "key.revoke", subject_of("user", actor.require_user_id()))


async def set_secret(actor: Actor, transaction: AsyncSession, user_id: UUID, secret_hash: str | None) -> None:
    """Replace the hash of the user's secret; None removes the secret."""
    if await KeyRepository(transaction).set_secret(user_id, secret_hash):
        action = "key.set_secret" if secret_hash else "key.clear_secret"
        await record(actor, transaction, action, subject_of("user", user_id))


async def void_keys(actor: Actor, transaction: AsyncSession, user_id: UUID) -> None:
    """Void every outstanding single-use key of the user, except the protected ones."""
    voided = await SingleUseKeyRepository(transaction).void_keys(user_id, keep=PROTECTED_PURPOSES)
    await _record_void(actor, transaction, voided)


async def void_keys_for(
    actor: Actor, transaction: AsyncSession, user_id: UUID, purpose: str, *, since: datetime
) -> None:
    """Void the user's outstanding keys of one purpose that were made at or after `since`."""
    await _record_void(
        actor, transaction, await SingleUseKeyRepository(transaction).void_keys_for(user_id, purpose, since=since)
    )


async def void_invitation(actor: Actor, transaction: AsyncSession, user_id: UUID, language_code: str) -> None:
    """Void the user's outstanding invitation to this language."""
    voided = await SingleUseKeyRepository(transaction).void_invitation(user_id, language_code)
    await _record_void(actor, transaction, voided)


async def void_invitations_by(
    actor: Actor, transaction: AsyncSession, inviter: UUID, language_codes: Collection[str | None]
) -> None:
    """Void the outstanding invitations by this user to these languages; None stands for the platform."""
    voided = await SingleUseKeyRepository(transaction).void_invitations_by(inviter, language_codes)
    await _record_void(actor, transaction, voided)


def key_subject(user_id: UUID | None, key_id: UUID) -> str:
    """The subject of an audit event about a key: its user or, without one, the key itself."""
    return subject_of("user", user_id) if user_id else subject_of("key", key_id)


async def _record_void(actor: Actor, transaction: AsyncSession, voided: list[VoidedKey]) -> None:
    for key in voided:
        subject = key_subject(key.user_id, key.id)
        await record(actor, transaction, "key.revoke", subject, detail={"purpose": key.purpose})
