"""All SQL on translations. Every statement names the language: no route can reach a row of another one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from msgspec import Struct
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.database import Database
from app.domain.languages.models import Translation, TranslationVersion
from app.domain.languages.translation_schemas import TranslationView, VersionView

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


class Write(Struct, frozen=True):
    """One text to write; `replaces` is the version it replaces, None for a new key."""

    key: str
    text: str
    state: str
    replaces: int | None


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
    """Translations. Bound to the session of one transaction."""

    model_type = Translation

    async def write(self, code: str, writes: Sequence[Write], author: UUID, now: datetime) -> dict[str, int]:
        """Write each text that still is at the version it replaces; gives the new versions of those that were.

        Rows are taken in the order of their keys, so that two batches never wait for each other in a circle.
        """
        written: dict[str, int] = {}
        for item in sorted(writes, key=lambda write: write.key):
            version = await self._insert(code, item, author, now) if item.replaces is None else (
                await self._update(code, item, author, now)
            )  # fmt: skip
            if version is not None:
                written[item.key] = version
        return written

    async def remove(self, code: str, key: str, version: int, author: UUID, now: datetime) -> bool:
        """Delete a translation that still is at `version`, and note it in the history."""
        await self._lock(code, key)
        statement = (
            delete(Translation)
            .where(Translation.language_code == code, Translation.key == key, Translation.version == version)
            .returning(Translation.version)
        )
        found = (await self.session.execute(statement)).scalar_one_or_none()
        if found is not None:
            await self._note(code, key, version + 1, None, None, author, now)
        return found is not None

    async def _lock(self, code: str, key: str) -> None:
        """One creation or deletion of a key at a time: a key that does not exist has no row to lock."""
        name = func.hashtextextended(f"{code} {key}", 0)
        await self.session.execute(select(func.pg_advisory_xact_lock(name)))

    async def _insert(self, code: str, item: Write, author: UUID, now: datetime) -> int | None:
        await self._lock(code, item.key)
        former = select(func.coalesce(func.max(TranslationVersion.version), 0) + 1).where(
            TranslationVersion.language_code == code, TranslationVersion.key == item.key
        )
        statement = (
            insert(Translation)
            .values(
                language_code=code, key=item.key, text=item.text, state=item.state,
                version=former.scalar_subquery(), updated_by=author, updated_at=now,
            )
            .on_conflict_do_nothing()
            .returning(Translation.version)
        )  # fmt: skip
        version = (await self.session.execute(statement)).scalar_one_or_none()
        if version is not None:
            await self._note(code, item.key, version, item.text, item.state, author, now)
        return version

    async def _update(self, code: str, item: Write, author: UUID, now: datetime) -> int | None:
        statement = (
            update(Translation)
            .where(
                Translation.language_code == code,
                Translation.key == item.key,
                Translation.version == item.replaces,
            )
            .values(
                text=item.text, state=item.state, version=Translation.version + 1, updated_by=author, updated_at=now
            )
            .returning(Translation.version)
        )
        version = (await self.session.execute(statement)).scalar_one_or_none()
        if version is not None:
            await self._note(code, item.key, version, item.text, item.state, author, now)
        return version

    async def _note(
        self, code: str, key: str, version: int, text: str | None, state: str | None, author: UUID, now: datetime
    ) -> None:
        await self.session.execute(
            insert(TranslationVersion).values(
                language_code=code, key=key, version=version, text=text, state=state, changed_by=author, changed_at=now
            )
        )
