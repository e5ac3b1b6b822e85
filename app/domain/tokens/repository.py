"""All SQL on signing keys."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.tokens.models import SigningKey
from app.domain.tokens.schemas import JsonWebKey
from app.postgres.database import Database
from app.postgres.repository import Repository

# The advisory lock of those who add or remove keys: its number is arbitrary.
LOCK = 7_016_001
PUBLIC_KEYS = """
SELECT public_key FROM signing_keys WHERE published_until IS NULL OR published_until > $1 ORDER BY signs_from, kid
"""


class SigningKeyRepository(Repository[SigningKey]):
    """Signing keys, in one transaction."""

    model_type = SigningKey

    async def lock(self) -> None:
        """Wait for others who add or remove keys, until the end of the transaction."""
        await self.session.execute(select(func.pg_advisory_xact_lock(LOCK)))

    async def published(self, now: datetime) -> Sequence[SigningKey]:
        """The keys whose public halves are published, in the order in which they sign."""
        statement = select(SigningKey).where(_is_published(now)).order_by(SigningKey.signs_from, SigningKey.kid)
        return (await self.session.execute(statement)).scalars().all()

    async def end_publication(self, at: datetime) -> None:
        """Publish the last key until this time only."""
        await self.session.execute(
            update(SigningKey).where(SigningKey.published_until.is_(None)).values(published_until=at)
        )

    async def delete_all(self) -> Sequence[str]:
        """Delete every key; returns their `kid`s."""
        return (await self.session.execute(delete(SigningKey).returning(SigningKey.kid))).scalars().all()

    async def reseal(self, kid: str, sealed: bytes) -> None:
        """Store the private half of the key anew."""
        await self.session.execute(update(SigningKey).where(SigningKey.kid == kid).values(sealed=sealed))


async def read_public_keys(database: Database, now: datetime) -> list[JsonWebKey]:
    """The public halves of the published keys: one prepared statement, because anybody may ask for them."""
    rows = await database.pool.fetch(PUBLIC_KEYS, now)
    return [msgspec.json.decode(row["public_key"], type=JsonWebKey) for row in rows]


async def delete_unpublished(transaction: AsyncSession, now: datetime, limit: int) -> int:
    """Delete up to `limit` keys that are published no more; returns their number."""
    which = select(SigningKey.kid).where(SigningKey.published_until <= now).limit(limit)
    deleted = delete(SigningKey).where(SigningKey.kid.in_(which)).returning(SigningKey.kid)
    return len((await transaction.execute(deleted)).all())


def _is_published(now: datetime) -> ColumnElement[bool]:
    return or_(SigningKey.published_until.is_(None), SigningKey.published_until > now)
