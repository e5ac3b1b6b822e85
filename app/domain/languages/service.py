"""The rules of languages."""

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from app.audit import record, subject_of
from app.clock import Clock
from app.domain.languages import access, codes, repository
from app.domain.languages.models import Language
from app.domain.languages.repository import LanguageRepository
from app.domain.languages.schemas import LanguageChange, LanguageView, NewLanguage
from app.errors import Problem
from app.postgres.database import Database


def view_of(language: Language) -> LanguageView:
    """What the API shows of a row."""
    return msgspec.convert(language, LanguageView, from_attributes=True)


class LanguageService:
    """Languages. Each change is one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def read(self, code: str) -> LanguageView | None:
        """The language of a canonical code, if it exists."""
        return await repository.read(self._database, code)

    async def page(self, allowed: Iterable[str] | None, after: str, limit: int) -> list[LanguageView]:
        """Languages by code, from after the given one: the `allowed` ones or, with None, all."""
        return await repository.page(self._database, allowed, after, limit)

    async def create(self, new: NewLanguage) -> LanguageView:
        """Create a language. Raises `Problem`: `validation_failed`, `language_exists`."""
        # The library of language names is read at first use, which takes seconds.
        language = await asyncio.to_thread(self.prepare, new)
        async with self._database.transaction() as transaction:
            if not await LanguageRepository(session=transaction).insert([language]):
                raise Problem("language_exists", f"{language.code} exists already.")
            await record(transaction, "language.create", subject_of("language", language.code))
        return view_of(language)

    async def import_all(self, languages: Sequence[Language]) -> None:
        """Create all of them or none. Raises `Problem` `language_exists` that names those that exist."""
        async with self._database.transaction() as transaction:
            inserted = await LanguageRepository(session=transaction).insert(languages)
            existing = [language.code for language in languages if language.code not in inserted]
            if existing:
                raise Problem("language_exists", f"These exist already: {', '.join(existing)}")
            await record(transaction, "language.create", *[subject_of("language", item.code) for item in languages])

    async def change(self, actor: UUID, code: str, change: LanguageChange) -> LanguageView | None:
        """Change what is set in `change`; None where the language does not exist. Raises `Problem` `forbidden`."""
        columns = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        if columns:
            async with self._database.transaction() as transaction:
                await access.require(transaction, actor, "administer", code)
                if not await LanguageRepository(session=transaction).change(code, **columns):
                    return None
                detail = {"fields": [*columns]}
                await record(transaction, "language.change", subject_of("language", code), detail=detail)
        return await self.read(code)

    async def remove(self, actor: UUID, code: str) -> bool:
        """Delete a language with its members, its translations and their history; False where it does not exist.

        Raises `Problem` `forbidden`.
        """
        async with self._database.transaction() as transaction:
            await access.require(transaction, actor, "delete", code)
            removed = await LanguageRepository(session=transaction).remove(code)
            if removed:
                await record(transaction, "language.delete", subject_of("language", code))
            return removed

    def prepare(self, new: NewLanguage) -> Language:
        """The row of a new language, completed from its code. Raises `Problem` `validation_failed`."""
        code = codes.canonical(new.code)
        return Language(
            code=code,
            name=new.name,
            autonym=new.autonym or codes.autonym_of(code),
            text_direction=new.text_direction or codes.direction_of(code),
            created_at=self._clock(),
        )
