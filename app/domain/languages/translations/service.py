"""The rules of translations: no lost update, nothing outside the language of the path, every change kept."""

import unicodedata
from collections.abc import Sequence
from uuid import UUID

from app.clock import Clock
from app.domain.languages import access
from app.domain.languages.translations import repository as translation_repository
from app.domain.languages.translations.repository import Filters, TranslationRepository
from app.domain.languages.translations.schemas import KEY, BatchItem, NewText, TranslationView, VersionView
from app.errors import FieldError, Problem, invalid
from app.postgres.database import Database


class TranslationService:
    """Translations. Each write is one transaction that checks the translator's right again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def read(self, code: str, key: str) -> TranslationView | None:
        """One translation, if it exists."""
        return await translation_repository.read(self._database, code, key)

    async def page(self, code: str, filters: Filters, after: str, limit: int) -> list[TranslationView]:
        """The language's translations by key, from after the given one."""
        return await translation_repository.page(self._database, code, filters, after, limit)

    async def history(self, code: str, key: str, after: int, limit: int) -> list[VersionView]:
        """The changes of one translation, oldest first, from after the given version."""
        return await translation_repository.history(self._database, code, key, after, limit)

    async def write(self, author: UUID, code: str, key: str, new: NewText, replaces: int | None) -> TranslationView:
        """Write one text over the version that it replaces; None is for a new key.

        Raises `Problem`: `version_conflict`, `forbidden`, `validation_failed`.
        """
        item = BatchItem(key=checked_key(key), text=new.text, version=replaces, state=new.state)
        return (await self._write(author, code, [item]))[0]

    async def write_batch(self, author: UUID, code: str, items: Sequence[BatchItem]) -> list[TranslationView]:
        """Write all items or none. Raises `Problem` as `write` does; `version_conflict` names each stale item."""
        first = {item.key: index for index, item in reversed(list(enumerate(items)))}
        twice = [
            FieldError(f"items.{index}.key", "duplicate", "This key is in the batch before")
            for index, item in enumerate(items)
            if first[item.key] != index
        ]
        if twice:
            raise Problem("validation_failed", errors=twice)
        return await self._write(author, code, items)

    async def remove(self, author: UUID, code: str, key: str, version: int) -> None:
        """Delete one translation that still is at `version`.

        Raises `Problem`: `version_conflict`, `forbidden`, `validation_failed`.
        """
        checked_key(key)
        async with self._database.transaction() as transaction:
            await access.require(transaction, author, "translate", code)
            translations = TranslationRepository(session=transaction)
            if (await translations.versions(code, [key])).get(key) != version:
                raise _conflict([])
            await translations.remove(code, key, version + 1, author, self._clock())

    async def _write(self, author: UUID, code: str, items: Sequence[BatchItem]) -> list[TranslationView]:
        keys = [item.key for item in items]
        async with self._database.transaction() as transaction:
            await access.require(transaction, author, "translate", code)
            translations = TranslationRepository(session=transaction)
            present = await translations.versions(code, keys)
            stale = [index for index, item in enumerate(items) if present.get(item.key) != item.version]
            if stale:
                raise _conflict(stale if len(items) > 1 else [])
            last, now = await translations.last_versions(code, keys), self._clock()
            written = [
                TranslationView(
                    key=item.key,
                    text=unicodedata.normalize("NFC", item.text),
                    state=item.state,
                    version=last.get(item.key, 0) + 1,
                    updated_by=author,
                    updated_at=now,
                )
                for item in items
            ]
            await translations.store(code, written)
        return written


def checked_key(key: str) -> str:
    """The key of a path. Raises `Problem` `validation_failed`."""
    if not KEY.match(key):
        raise invalid("key", "invalid", "1 to 200 letters, digits and . _ : / -")
    return key


def _conflict(indexes: Sequence[int]) -> Problem:
    return Problem(
        "version_conflict",
        "Read the present version, and write over that one. Nothing has been changed.",
        errors=[FieldError(f"items.{index}", "stale", "Not at this version") for index in indexes],
    )
