"""All SQL on translations. Every statement names the language: no route can reach a row of another one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from msgspec import Struct, structs
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.domain.languages.models import Translation, TranslationVersion
from app.domain.languages.translations.schemas import TranslationView, VersionView
from app.postgres.database import Database

COLUMNS = "key, text, state, version, updated_by, updated_at"
READ = f"SELECT {COLUMNS} FROM translations WHERE language_code = $1 AND key = $2"  # noqa: S608 # constants only
# Keys are ASCII, so every key with a prefix sorts before the prefix and a character beyond.
PAGE = f"""
SELECT {COLUMNS} FROM translations
 WHERE language_code = $1 AND key > $2 AND key >= $3 AND key < $3 || U&'\\+10FFFF'
   AND ($4::text IS NULL OR state = $4) AND ($5::timestamptz IS NULL OR updated_at > $5)
 ORDER BY key LIMIT $6
"""  # noqa: S608 # constants only
HISTORY = """
SELECT version, text, state, changed_by, changed_at FROM translation_versions
 WHERE language_code = $1 AND key = $2 AND version > $3 ORDER BY version LIMIT $4
"""


class Filters(Struct, frozen=True):
    """What a list of translations is limited to."""

    prefix: str = ""
    state: str | None = None
    updated_after: datetime | None = None


async def read(database: Database, code: str, key: str) -> TranslationView | None:
    """One translation: one prepared statement."""
    row = await database.pool.fetchrow(READ, code, key)
    return TranslationView(*row) if row else None


async def page(database: Database, code: str, filters: Filters, after: str, limit: int) -> list[TranslationView]:
    """The language's translations by key."""
    rows = await database.pool.fetch(PAGE, code, after, filters.prefix, filters.state, filters.updated_after, limit)
    return [TranslationView(*row) for row in rows]


async def history(database: Database, code: str, key: str, after: int, limit: int) -> list[VersionView]:
    """The changes of one translation, oldest first."""
    return [VersionView(*row) for row in await database.pool.fetch(HISTORY, code, key, after, limit)]


class TranslationRepository(SQLAlchemyAsyncRepository[Translation]):
    """Translations. Bound to the session of one transaction, which `rights.require` has made the language's only one.

    Each method is one statement, or one per table, however many keys it is given.
    """

    model_type = Translation

    async def versions(self, code: str, keys: Sequence[str]) -> dict[str, int]:
        """The present version of each key that has a translation."""
        statement = select(Translation.key, Translation.version).where(
            Translation.language_code == code, Translation.key.in_(keys)
        )
        return {row.key: row.version for row in await self.session.execute(statement)}

    async def last_versions(self, code: str, keys: Sequence[str]) -> dict[str, int]:
        """The last version that each key ever had, deletions included."""
        statement = (
            select(TranslationVersion.key, func.max(TranslationVersion.version).label("version"))
            .where(TranslationVersion.language_code == code, TranslationVersion.key.in_(keys))
            .group_by(TranslationVersion.key)
        )
        return {row.key: row.version for row in await self.session.execute(statement)}

    async def store(self, code: str, written: Sequence[TranslationView]) -> None:
        """Make the translations what they are from now on, and note each in the history."""
        rows = [{"language_code": code, **structs.asdict(translation)} for translation in written]
        statement = insert(Translation)
        changed = {name: statement.excluded[name] for name in ("text", "state", "version", "updated_by", "updated_at")}
        await self.session.execute(
            statement.on_conflict_do_update(index_elements=[Translation.language_code, Translation.key], set_=changed),
            rows,
        )
        await self._note(
            [
                {
                    "language_code": code,
                    "key": translation.key,
                    "version": translation.version,
                    "text": translation.text,
                    "state": translation.state,
                    "changed_by": translation.updated_by,
                    "changed_at": translation.updated_at,
                }
                for translation in written
            ]
        )

    async def remove(self, code: str, key: str, version: int, author: UUID, now: datetime) -> None:
        """Delete a translation, and note its deletion as this version."""
        await self.session.execute(delete(Translation).where(Translation.language_code == code, Translation.key == key))
        await self._note(
            [{"language_code": code, "key": key, "version": version, "changed_by": author, "changed_at": now}]
        )

    async def _note(self, rows: Sequence[dict[str, object]]) -> None:
        await self.session.execute(insert(TranslationVersion), list(rows))
