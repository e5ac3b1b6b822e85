"""The rules of languages. Each change is one transaction."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from app.audit import Actor, record, subject_of
from app.clock import Clock
from app.domain.languages import codes, repository
from app.domain.languages.access import lock_language
from app.domain.languages.kept_languages import read_kept_language
from app.domain.languages.models import Language
from app.domain.languages.repository import LanguageRepository
from app.domain.languages.schemas import LanguageChange, LanguageView, NewLanguage
from app.domain.resources import Resources
from app.errors import Problem, SubjectNotFound
from app.postgres.rows import to_struct
from app.text import folded, name_in_nfc


async def read_language(resources: Resources, code: str) -> LanguageView:
    """The language of a canonical code. Raises `SubjectNotFound`."""
    language = await read_kept_language(resources, code)
    if language is None:
        raise SubjectNotFound
    return language


async def list_languages(
    resources: Resources, allowed: Iterable[str] | None, after: str, limit: int, search: str | None = None
) -> list[LanguageView]:
    """Languages by code, from after the given one: those of `allowed`, or all if it is None.

    With `search`, those with this text in code, name or autonym.
    """
    return await repository.page(resources.database, allowed, after, limit, search or "")


async def create_language(actor: Actor, resources: Resources, new: NewLanguage) -> LanguageView:
    """Create a language. Raises `Problem`: `validation_failed`, `language_exists`."""
    # In a thread, because the library of language names loads its data at first use, which takes seconds.
    language = await asyncio.to_thread(complete_language, new, resources.clock)
    async with resources.database.transaction() as transaction:
        if not await LanguageRepository(transaction).insert([language]):
            raise Problem("language_exists", f"{language.code} exists already.")
        await record(actor, transaction, "language.create", subject_of("language", language.code))
    return to_struct(LanguageView, language)


async def import_languages(actor: Actor, resources: Resources, languages: Sequence[Language]) -> None:
    """Create all of the languages or none. Raises `Problem` `language_exists` that names those that exist."""
    async with resources.database.transaction() as transaction:
        inserted = await LanguageRepository(transaction).insert(languages)
        existing = [language.code for language in languages if language.code not in inserted]
        if existing:
            raise Problem("language_exists", f"These exist already: {', '.join(existing)}")
        subjects = [subject_of("language", language.code) for language in languages]
        await record(actor, transaction, "language.create", *subjects)


async def change_language(actor: Actor, resources: Resources, code: str, change: LanguageChange) -> LanguageView:
    """Change the fields that `change` sets to other values.

    Raises `Problem`: `forbidden`, `validation_failed`; `SubjectNotFound`.
    """
    sent = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
    sent |= {name: name_in_nfc(sent[name], name) for name in ("name", "autonym") if name in sent}
    if sent:
        async with resources.database.transaction() as transaction:
            await lock_language(actor, transaction, "update", code)
            languages = LanguageRepository(transaction)
            present = await languages.get_one_or_none(code=code)
            if present is None:
                raise SubjectNotFound
            columns = {name: value for name, value in sent.items() if getattr(present, name) != value}
            if columns:
                names = {"name": present.name, "autonym": present.autonym, **columns}
                searched = searched_form(code, names["name"], names["autonym"])
                await languages.change(code, **columns, folded=searched)
                detail = {"fields": [*columns]}
                await record(actor, transaction, "language.change", subject_of("language", code), detail=detail)
    return await read_language(resources, code)


async def delete_language(actor: Actor, resources: Resources, code: str) -> None:
    """Delete a language with its members, its translations and their history.

    Raises `Problem` `forbidden`, `SubjectNotFound`.
    """
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "delete", code)
        if not await LanguageRepository(transaction).remove(code):
            raise SubjectNotFound
        await record(actor, transaction, "language.delete", subject_of("language", code))


def complete_language(new: NewLanguage, clock: Clock) -> Language:
    """The row of a new language, with what follows from its code. Raises `Problem` `validation_failed`."""
    code = codes.canonical(new.code)
    name = name_in_nfc(new.name)
    autonym = name_in_nfc(new.autonym, "autonym") if new.autonym is not None else codes.autonym_of(code)
    return Language(
        code=code,
        name=name,
        autonym=autonym,
        folded=searched_form(code, name, autonym),
        text_direction=new.text_direction or codes.direction_of(code),
        created_at=clock(),
    )


def searched_form(code: str, name: str, autonym: str) -> str:
    """The text in which a search looks for a language."""
    return folded("\n".join((code, name, autonym)))
