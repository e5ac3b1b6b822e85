"""All SQL on translations. Every statement names the language, so that no route reaches a row of another language."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from app.domain.languages.translations.models import DeletedLanguage, Translation, TranslationVersion
from app.domain.languages.translations.schemas import Changes, ChangeView, TranslationView, VersionView
from app.postgres.database import Database
from app.postgres.repository import Repository
from app.postgres.rows import to_struct

COLUMNS = "language_code, key, text, state, version, updated_by, updated_at"
READ = f"SELECT {COLUMNS} FROM translations WHERE language_code = $1 AND key = $2"  # noqa: S608 # constants only
# Keys are ASCII, so every key with a prefix sorts before the prefix followed by the last code point.
PAGE = f"""
SELECT {COLUMNS} FROM translations
 WHERE language_code = $1 AND key > $2 AND key >= $3 AND key < $3 || U&'\\+10FFFF'
   AND ($4::text IS NULL OR state = $4) AND ($5::timestamptz IS NULL OR updated_at > $5)
 ORDER BY key LIMIT $6
"""  # noqa: S608 # constants only
HISTORY = """
SELECT language_code, key, version, text, state, changed_by, changed_at FROM translation_versions
 WHERE language_code = $1 AND key = $2 AND version > $3 ORDER BY version LIMIT $4
"""
# A change that a later one of the same key has replaced is left out after the page is cut, so that each page reads a
# bounded number of rows. The later one has a higher number: whoever reads on gets it.
CHANGES = """
WITH cut AS (
    SELECT * FROM translation_versions
     WHERE language_code = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
)
SELECT sequence, language_code, key, version, text IS NULL AS deleted, text, state, changed_by AS updated_by,
       changed_at AS updated_at,
       version < (SELECT last.version FROM translation_versions last
                   WHERE last.language_code = cut.language_code AND last.key = cut.key
                   ORDER BY last.version DESC LIMIT 1) AS replaced
  FROM cut ORDER BY sequence
"""
# The last number of languages with this code that were deleted, and the last one of the present language.
BOUNDS = """
SELECT coalesce(d.last_sequence, 0) AS deleted_last,
       coalesce((SELECT max(v.sequence) FROM translation_versions v WHERE v.language_code = l.code), 0) AS last
  FROM languages l LEFT JOIN deleted_languages d ON d.code = l.code WHERE l.code = $1
"""


class TranslationFilters(Struct, frozen=True):
    """What a list of translations is limited to."""

    prefix: str = ""
    state: str | None = None
    updated_after: datetime | None = None


class WrittenText(Struct, frozen=True):
    """One text to store, as a row of `translations`."""

    key: str
    text: str
    state: str
    version: int
    updated_by: UUID
    updated_at: datetime


class PresentText(Struct, frozen=True):
    """A stored text. `digest` is the SHA-256 of the text in UTF-8: texts are long, and a comparison needs no more."""

    key: str
    state: str
    version: int
    updated_by: UUID | None
    updated_at: datetime
    digest: bytes


class Bounds(Struct, frozen=True):
    """The numbers of the changes of a language are above `deleted_last`, those of deleted languages with its code are
    not; `last` is 0 if the language has no change."""

    deleted_last: int
    last: int


class LastChange(Struct, frozen=True):
    """The last change of one key."""

    version: int
    deleted: bool
    changed_by: UUID | None
    changed_at: datetime


async def find_translation(database: Database, code: str, key: str) -> TranslationView | None:
    """One translation: one prepared statement."""
    row = await database.pool.fetchrow(READ, code, key)
    return to_struct(TranslationView, row) if row else None


async def page(
    database: Database, code: str, filters: TranslationFilters, after: str, limit: int
) -> list[TranslationView]:
    """The language's translations by key."""
    rows = await database.pool.fetch(PAGE, code, after, filters.prefix, filters.state, filters.updated_after, limit)
    return [to_struct(TranslationView, row) for row in rows]


async def history(database: Database, code: str, key: str, after: int, limit: int) -> list[VersionView]:
    """The changes of one translation, oldest first."""
    return [to_struct(VersionView, row) for row in await database.pool.fetch(HISTORY, code, key, after, limit)]


async def changes(database: Database, code: str, after: int, limit: int) -> Changes:
    """What has become of the language's translations since the change `after`: one prepared statement."""
    rows = await database.pool.fetch(CHANGES, code, after, limit + 1)
    shown = rows[:limit]
    return Changes(
        items=[to_struct(ChangeView, row) for row in shown if not row["replaced"]],
        next_after=shown[-1]["sequence"] if shown else after,
        more=len(rows) > limit,
    )


async def bounds(database: Database, code: str) -> Bounds | None:
    """Which numbers of changes are of the present language; None if there is no language with this code."""
    row = await database.pool.fetchrow(BOUNDS, code)
    return to_struct(Bounds, row) if row else None


class TranslationRepository(Repository[Translation]):
    """Translations, in one transaction, which holds the lock of `lock_language`.

    Each method is one statement, or one per table, however many keys it is given.
    """

    model_type = Translation

    async def present(self, code: str, keys: Sequence[str]) -> dict[str, PresentText]:
        """What is stored of each key that has a translation."""
        columns = (
            Translation.key,
            Translation.state,
            Translation.version,
            Translation.updated_by,
            Translation.updated_at,
        )
        digest = func.sha256(func.convert_to(Translation.text, "UTF8")).label("digest")
        statement = select(*columns, digest).where(Translation.language_code == code, Translation.key.in_(keys))
        return {row.key: to_struct(PresentText, row) for row in await self.session.execute(statement)}

    async def last_versions(self, code: str, keys: Sequence[str]) -> dict[str, int]:
        """The last version that each key ever had, deletions included.

        A key that never had one in this language has the last version of any key of a deleted language with its code.
        """
        deleted = select(DeletedLanguage.last_version).where(DeletedLanguage.code == code)
        before = (await self.session.execute(deleted)).scalar_one_or_none() or 0
        statement = (
            select(TranslationVersion.key, func.max(TranslationVersion.version).label("version"))
            .where(TranslationVersion.language_code == code, TranslationVersion.key.in_(keys))
            .group_by(TranslationVersion.key)
        )
        found = {row.key: row.version for row in await self.session.execute(statement)}
        return {key: found.get(key, before) for key in keys}

    async def last_changes(self, code: str, keys: Sequence[str]) -> dict[str, LastChange]:
        """The last change of each key that ever had a translation, deletions included."""
        columns = (
            TranslationVersion.key,
            TranslationVersion.version,
            TranslationVersion.text.is_(None).label("deleted"),
            TranslationVersion.changed_by,
            TranslationVersion.changed_at,
        )
        statement = (
            select(*columns)
            .ext(distinct_on(TranslationVersion.key))
            .where(TranslationVersion.language_code == code, TranslationVersion.key.in_(keys))
            .order_by(TranslationVersion.key, TranslationVersion.version.desc())
        )
        return {row.key: to_struct(LastChange, row) for row in await self.session.execute(statement)}

    async def store(self, code: str, written: Sequence[WrittenText]) -> None:
        """Insert or replace the translations, and append each to the history."""
        if not written:
            return
        rows = [{"language_code": code, **structs.asdict(text)} for text in written]
        statement = insert(Translation)
        changed = {name: statement.excluded[name] for name in ("text", "state", "version", "updated_by", "updated_at")}
        await self.session.execute(
            statement.on_conflict_do_update(index_elements=[Translation.language_code, Translation.key], set_=changed),
            rows,
        )
        await self._append_versions(
            [
                {
                    "language_code": code,
                    "key": text.key,
                    "version": text.version,
                    "text": text.text,
                    "state": text.state,
                    "changed_by": text.updated_by,
                    "changed_at": text.updated_at,
                }
                for text in written
            ]
        )

    async def remove(self, code: str, key: str, version: int, author: UUID, now: datetime) -> None:
        """Delete a translation, and append the deletion to the history as `version`."""
        await self.session.execute(delete(Translation).where(Translation.language_code == code, Translation.key == key))
        await self._append_versions(
            [{"language_code": code, "key": key, "version": version, "changed_by": author, "changed_at": now}]
        )

    async def _append_versions(self, rows: Sequence[dict[str, object]]) -> None:
        await self.session.execute(insert(TranslationVersion), list(rows))
