"""The rules of translations: no lost update, nothing outside the language of the path, every change kept.

Each write is one transaction that checks the translator's right again.
"""

from collections.abc import Sequence
from hashlib import sha256

from msgspec import structs

from app.audit import Actor
from app.domain.languages.access import lock_language
from app.domain.languages.repository import find_language
from app.domain.languages.translations import repository
from app.domain.languages.translations.repository import (
    PresentText,
    TranslationFilters,
    TranslationRepository,
    WrittenText,
)
from app.domain.languages.translations.schemas import (
    KEY,
    KEY_RULE,
    TEXT_MAX,
    BatchItem,
    NewText,
    TranslationView,
    VersionView,
)  # fmt: skip
from app.domain.resources import Resources
from app.errors import FieldError, Problem, SubjectNotFound, invalid
from app.postgres.rows import to_struct
from app.text import in_nfc


async def read_translation(resources: Resources, code: str, key: str) -> TranslationView:
    """One translation. Raises `Problem`: `validation_failed`, `not_found`."""
    translation = await repository.find_translation(resources.database, code, checked_key(key))
    if translation is None:
        raise _no_translation()
    return translation


async def list_translations(
    resources: Resources, code: str, filters: TranslationFilters, after: str, limit: int
) -> list[TranslationView]:
    """The language's translations by key, from after the given one. Raises `SubjectNotFound`."""
    rows = await repository.page(resources.database, code, filters, after, limit)
    if not rows and await find_language(resources.database, code) is None:
        raise SubjectNotFound
    return rows


async def read_history(resources: Resources, code: str, key: str, after: int, limit: int) -> list[VersionView]:
    """The changes of one translation, oldest first, from after the given version.

    Raises `Problem`: `validation_failed`, and `not_found` for a key that never had a translation.
    """
    rows = await repository.history(resources.database, code, checked_key(key), after, limit)
    if not rows and after == 0:
        raise _no_translation()
    return rows


async def write_translation(
    actor: Actor, resources: Resources, code: str, key: str, new: NewText, replaces: int | None
) -> TranslationView:
    """Write one text over the version that it replaces; None is for a new key.

    A text that is stored already, in the same state, stays at its version.

    Raises `Problem`: `version_conflict`, `forbidden`, `validation_failed`.
    """
    text = in_nfc(new.text, "text", TEXT_MAX)
    item = BatchItem(key=checked_key(key), text=text, version=replaces, state=new.state)
    return (await _write(actor, resources, code, [item]))[0]


async def write_batch(
    actor: Actor, resources: Resources, code: str, items: Sequence[BatchItem]
) -> list[TranslationView]:
    """Write all items or none. Raises `Problem` as `write_translation`; `version_conflict` names each stale item."""
    first = {item.key: index for index, item in reversed(list(enumerate(items)))}
    twice = [
        FieldError(f"items.{index}.key", "duplicate", "This key is in the batch before")
        for index, item in enumerate(items)
        if first[item.key] != index
    ]
    texts, refused = _texts_in_nfc(items)
    if twice or refused:
        raise Problem("validation_failed", errors=[*twice, *refused])
    in_normal_form = [structs.replace(item, text=text) for item, text in zip(items, texts, strict=True)]
    return await _write(actor, resources, code, in_normal_form)


async def delete_translation(actor: Actor, resources: Resources, code: str, key: str, version: int) -> None:
    """Delete one translation that still is at `version`.

    Raises `Problem`: `version_conflict`, `forbidden`, `validation_failed`.
    """
    checked_key(key)
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "translate", code)
        translations = TranslationRepository(transaction)
        present = (await translations.present(code, [key])).get(key)
        if present is None or present.version != version:
            raise _conflict([])
        await translations.remove(code, key, version + 1, actor.require_user_id(), resources.clock())


def checked_key(key: str) -> str:
    """The key of a path. Raises `Problem` `validation_failed`."""
    if not KEY.match(key):
        raise invalid("key", "invalid", KEY_RULE, params={"form": "key"})
    return key


def _texts_in_nfc(items: Sequence[BatchItem]) -> tuple[list[str], list[FieldError]]:
    """The texts of a batch in NFC, and the errors of those that are refused."""
    texts, refused = list[str](), list[FieldError]()
    for index, item in enumerate(items):
        try:
            texts.append(in_nfc(item.text, f"items.{index}.text", TEXT_MAX))
        except Problem as problem:
            refused += problem.errors
    return texts, refused


async def _write(actor: Actor, resources: Resources, code: str, items: Sequence[BatchItem]) -> list[TranslationView]:
    keys = [item.key for item in items]
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "translate", code)
        translations = TranslationRepository(transaction)
        present = await translations.present(code, keys)
        versions = {key: text.version for key, text in present.items()}
        stale = [index for index, item in enumerate(items) if versions.get(item.key) != item.version]
        if stale:
            raise _conflict(stale if len(items) > 1 else [])
        last, now = await translations.last_versions(code, keys), resources.clock()
        texts = [
            WrittenText(
                key=item.key,
                text=item.text,
                state=item.state,
                version=last.get(item.key, 0) + 1,
                updated_by=actor.require_user_id(),
                updated_at=now,
            )
            for item in items
        ]
        unchanged = {text.key: present[text.key] for text in texts if _is_stored(text, present.get(text.key))}
        await translations.store(code, [text for text in texts if text.key not in unchanged])
    return [to_struct(TranslationView, unchanged.get(text.key, text), text=text.text) for text in texts]


def _is_stored(text: WrittenText, present: PresentText | None) -> bool:
    """Whether this text is stored in this state, so that writing it would change nothing."""
    return present is not None and (present.state, present.digest) == (text.state, sha256(text.text.encode()).digest())


def _conflict(indexes: Sequence[int]) -> Problem:
    return Problem(
        "version_conflict",
        "Read the present version, and write over that one. Nothing has been changed.",
        errors=[FieldError(f"items.{index}", "stale", "Not at this version") for index in indexes],
    )


def _no_translation() -> Problem:
    # Callers who pass the guard may read every translation of the language, so there is nothing to conceal.
    return Problem("not_found", "The language has no translation of this key.")
