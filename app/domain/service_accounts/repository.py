"""All SQL on service accounts and API keys, and the statement that authenticates a request by a key."""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import delete, func, select

from app.auth.principal import ANONYMOUS, Principal, PrincipalDetails, PrincipalKey
from app.domain.keys.models import API, Key
from app.domain.service_accounts.schemas import ApiKeyView, ServiceAccountView
from app.domain.sessions.repository import USER_COLUMNS, memberships_of, user_of
from app.domain.users.models import User
from app.postgres.database import Database
from app.postgres.repository import Repository
from app.postgres.rows import to_struct

# The only SQL of this domain that names tables of other domains. A service account has no address and no secret.
AUTHENTICATE = f"""
SELECT k.id AS key_id, k.name AS key_name, k.expires_at, {USER_COLUMNS},
       (SELECT array_agg((SELECT l.name FROM languages l WHERE l.code = m.language_code) ORDER BY m.language_code)
          FROM language_members m WHERE m.user_id = u.id) AS language_names
  FROM keys k JOIN users u ON u.id = k.user_id
 WHERE k.kind = 'api' AND k.provider = 'api' AND k.identifier = $1 AND k.expires_at > $2
   AND u.kind = 'service' AND u.status = 'active'
"""  # noqa: S608 # joined from constants
# The user is locked before the key, as everywhere: the second part depends on the first.
NOTE_USE = """
WITH account AS (
    UPDATE users SET last_seen_at = $3 WHERE id = $1 RETURNING id
)
UPDATE keys SET last_used_at = $3 FROM account
 WHERE keys.user_id = account.id AND keys.id = $2 AND (last_used_at IS NULL OR last_used_at <= $4)
"""


async def read_principal_of_key(database: Database, token_hash: bytes, now: datetime) -> Principal:
    """The principal of a live API key of an active service account, else `ANONYMOUS`: one prepared statement."""
    row = await database.pool.fetchrow(AUTHENTICATE, token_hash.hex(), now)
    return _principal_of(row) if row else ANONYMOUS


async def note_use(database: Database, user_id: UUID, key_id: UUID, now: datetime, every: timedelta) -> None:
    """Record that the key is used now, unless that has been recorded within `every`."""
    await database.pool.execute(NOTE_USE, user_id, key_id, now, now - every)


def _principal_of(row: asyncpg.Record) -> Principal:
    names = tuple(row["language_names"] or ())
    return Principal(
        user_of(row),
        memberships=memberships_of(row),
        details=PrincipalDetails(email_verified=False, has_secret=False, language_names=names),
        key=to_struct(PrincipalKey, row, id=row["key_id"], name=row["key_name"]),
    )


class ServiceAccountRepository(Repository[User]):
    """Service accounts, in one transaction. They are users."""

    model_type = User

    async def create(self, name: str, now: datetime) -> ServiceAccountView:
        """Create a service account, whose profile is complete."""
        account = User(email="", name=name, kind="service", onboarded_at=now, created_at=now, updated_at=now)
        return to_struct(ServiceAccountView, await self.add(account))

    async def find(self, account_id: UUID) -> ServiceAccountView | None:
        """The service account; None for a person's id too."""
        account = await self.get_one_or_none(User.id == account_id, User.kind == "service")
        return to_struct(ServiceAccountView, account) if account else None

    async def lock(self, account_id: UUID) -> bool:
        """Lock the service account until the transaction ends; False if there is none."""
        statement = select(User.id).where(User.id == account_id, User.kind == "service").with_for_update(key_share=True)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def page(self, after: UUID | None, limit: int) -> list[ServiceAccountView]:
        """Service accounts by their id."""
        statement = select(User).where(User.kind == "service").order_by(User.id).limit(limit)
        if after is not None:
            statement = statement.where(User.id > after)
        return [to_struct(ServiceAccountView, row) for row in (await self.session.execute(statement)).scalars()]


class ApiKeyRepository(Repository[Key]):
    """API keys, in one transaction."""

    model_type = Key

    async def count_live(self, account_id: UUID, now: datetime) -> int:
        """How many keys of the account have not expired."""
        live = select(func.count()).where(Key.user_id == account_id, Key.kind == "api", Key.expires_at > now)
        return (await self.session.execute(live)).scalar_one()

    async def create(
        self, account_id: UUID, name: str, token_hash: bytes, now: datetime, expires_at: datetime
    ) -> ApiKeyView:
        """Insert a key."""
        key = Key(
            user_id=account_id,
            kind="api",
            provider=API,
            identifier=token_hash.hex(),
            name=name,
            created_at=now,
            expires_at=expires_at,
        )
        return _view(await self.add(key))

    async def page(self, account_id: UUID, after: UUID | None, limit: int) -> list[ApiKeyView]:
        """The keys of the account, expired ones too, in the order of their creation."""
        statement = select(Key).where(Key.user_id == account_id, Key.kind == "api").order_by(Key.id).limit(limit)
        if after is not None:
            statement = statement.where(Key.id > after)
        return [_view(row) for row in (await self.session.execute(statement)).scalars()]

    async def remove(self, account_id: UUID, key_id: UUID) -> bool:
        """Delete a key of the account; False if it has none with this id."""
        which = Key.id == key_id, Key.user_id == account_id, Key.kind == "api"
        return (await self.session.execute(delete(Key).where(*which).returning(Key.id))).first() is not None


def _view(key: Key) -> ApiKeyView:
    return to_struct(ApiKeyView, key, service_account_id=key.user_id)
