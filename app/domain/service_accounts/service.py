"""The rules of service accounts and their API keys. Only hashes of keys are stored."""

from datetime import timedelta
from uuid import UUID

from app.ability.ability import Subject
from app.audit import Actor, record, subject_of
from app.auth.tokens import new_api_key, token_hash
from app.domain.resources import Resources
from app.domain.service_accounts.repository import ApiKeyRepository, ServiceAccountRepository
from app.domain.service_accounts.schemas import ApiKeyView, NewApiKey, NewApiKeyView, ServiceAccountView
from app.domain.users.access import require_in_transaction
from app.errors import Problem, SubjectNotFound
from app.postgres.rows import to_struct
from app.text import name_in_nfc

# Enough to replace a key in each of several places.
KEYS_PER_ACCOUNT = 20


async def create_service_account(actor: Actor, resources: Resources, name: str) -> ServiceAccountView:
    """Create a service account. It has no key and no membership yet. Raises `Problem`: `forbidden`,
    `validation_failed`."""
    name, now = name_in_nfc(name), resources.clock()
    async with resources.database.transaction() as transaction:
        await require_in_transaction(actor, transaction, "create", Subject("ServiceAccount", {}))
        account = await ServiceAccountRepository(transaction).create(name, now)
        await record(actor, transaction, "service_account.create", subject_of("user", account.id))
    return account


async def read_service_account(resources: Resources, account_id: UUID) -> ServiceAccountView:
    """One service account. Raises `SubjectNotFound`, for a person too."""
    async with resources.database.transaction() as transaction:
        account = await ServiceAccountRepository(transaction).find(account_id)
    if account is None:
        raise SubjectNotFound
    return account


async def list_service_accounts(resources: Resources, after: UUID | None, limit: int) -> list[ServiceAccountView]:
    """All service accounts by id, from after the given one."""
    async with resources.database.transaction() as transaction:
        return await ServiceAccountRepository(transaction).page(after, limit)


async def create_api_key(actor: Actor, resources: Resources, account_id: UUID, new: NewApiKey) -> NewApiKeyView:
    """Make an API key for a service account: the only moment at which its token is known.

    Raises `SubjectNotFound`, and `Problem`: `forbidden`, `validation_failed`, `too_many_keys`.
    """
    name, token, now = name_in_nfc(new.name), new_api_key(), resources.clock()
    async with resources.database.transaction() as transaction:
        await require_in_transaction(actor, transaction, "administer", _subject(account_id))
        if not await ServiceAccountRepository(transaction).lock(account_id):
            raise SubjectNotFound
        keys = ApiKeyRepository(transaction)
        if await keys.count_live(account_id, now) >= KEYS_PER_ACCOUNT:
            raise Problem("too_many_keys", f"A service account has at most {KEYS_PER_ACCOUNT} live keys.")
        expires_at = now + timedelta(seconds=new.expires_in)
        key = await keys.create(account_id, name, token_hash(token), now, expires_at)
        await record(
            actor, transaction, "api_key.create", subject_of("user", account_id), detail={"keyId": str(key.id)}
        )
    return to_struct(NewApiKeyView, key, token=token)


async def list_api_keys(resources: Resources, account_id: UUID, after: UUID | None, limit: int) -> list[ApiKeyView]:
    """The keys of a service account, oldest first, from after the given id. Raises `SubjectNotFound`."""
    async with resources.database.transaction() as transaction:
        if await ServiceAccountRepository(transaction).find(account_id) is None:
            raise SubjectNotFound
        return await ApiKeyRepository(transaction).page(account_id, after, limit)


async def revoke_api_key(actor: Actor, resources: Resources, account_id: UUID, key_id: UUID) -> None:
    """Delete a key of a service account: from now on it authenticates nothing.

    Raises `Problem`: `forbidden`, `not_found`.
    """
    async with resources.database.transaction() as transaction:
        await require_in_transaction(actor, transaction, "administer", _subject(account_id))
        if not await ServiceAccountRepository(transaction).lock(account_id):
            raise SubjectNotFound
        if not await ApiKeyRepository(transaction).remove(account_id, key_id):
            raise SubjectNotFound("The service account has no such key.")
        await record(
            actor, transaction, "api_key.revoke", subject_of("user", account_id), detail={"keyId": str(key_id)}
        )


def _subject(account_id: UUID) -> Subject:
    return Subject("ServiceAccount", {"id": str(account_id)})
