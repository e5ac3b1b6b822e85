"""The rules of translations: no lost update, nothing outside the language of the path, every change kept.

Each write is one transaction that checks the translator's right again. A plain write is one statement that does so.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from msgspec import structs

from app.audit import Actor
from app.auth.principal import ANONYMOUS, Principal
from app.domain.languages.access import grounds_of, lock_language
from app.domain.languages.repository import find_language
from app.domain.languages.translations import repository
from app.domain.languages.translations.conflicts import conflict_over
from app.domain.languages.translations.plain_write_repository import write_plainly
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
    Changes,
    NewText,
    TranslationView,
    VersionView,
)  # fmt: skip
from app.domain.resources import Resources
from app.errors import FieldError, Problem, SubjectNotFound, invalid
from app.http.preconditions import Precondition, precondition_of_version
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


async def list_changes(resources: Resources, code: str, after: int, limit: int) -> Changes:
    """What has become of the language's translations since the change with the number `after`.

    A change is in the list only when every one with a lower number is. Raises `SubjectNotFound`, and `Problem`
    `changes_gone` if `after` is no number that this language has given: it is that of a deleted language with the same
    code, or of a state of the database that was not restored.
    """
    found = await repository.changes(resources.database, code, after, limit)
    if after or not found.items:
        # After the changes are read: a language that is made again meanwhile shows here.
        bounds = await repository.bounds(resources.database, code)
        if bounds is None:
            raise SubjectNotFound
        if after and not bounds.deleted_last < after <= bounds.last:
            raise Problem("changes_gone", "Drop the copy of this language, and read its changes again from after=0.")
    return found


async def read_history(resources: Resources, code: str, key: str, after: int, limit: int) -> list[VersionView]:
    """The changes of one translation, oldest first, from after the given version.

    Raises `Problem`: `validation_failed`, and `not_found` for a key that never had a translation.
    """
    rows = await repository.history(resources.database, code, checked_key(key), after, limit)
    if not rows and after == 0:
        raise _no_translation()
    return rows


async def write_translation(
    actor: Actor,
    resources: Resources,
    code: str,
    key: str,
    new: NewText,
    precondition: Precondition,
    caller: Principal = ANONYMOUS,
) -> TranslationView:
    """Write one text, over a version on which the precondition holds.

    A text that is stored already, in the same state, stays at its version. `caller` is the actor as the guard has seen
    them: if nothing stands against the write, and their right is the same still, one statement writes.

    Raises `Problem`: `version_conflict`, `forbidden`, `validation_failed`.
    """
    text = in_nfc(new.text, "text", TEXT_MAX)
    item = BatchItem(key=checked_key(key), text=text, version=None, state=new.state)
    grounds = grounds_of(caller, "translate", code)
    if grounds and precondition.is_plain:
        replaced = precondition.if_match.tags if precondition.if_match else None
        written = await write_plainly(resources.database, grounds, code, item, replaced, resources.clock())
        if written:
            return written
    return (await _write(actor, resources, code, {"": item}, [precondition]))[0]


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
    in_normal_form = {
        f"items.{index}": structs.replace(item, text=text)
        for index, (item, text) in enumerate(zip(items, texts, strict=True))
    }
    preconditions = [precondition_of_version(item.version) for item in items]
    return await _write(actor, resources, code, in_normal_form, preconditions)


async def delete_translation(
    actor: Actor, resources: Resources, code: str, key: str, precondition: Precondition
) -> None:
    """Delete one translation that is at a version on which the precondition holds.

    Raises `Problem`: `version_conflict`, `forbidden`, `validation_failed`.
    """
    checked_key(key)
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "translate", code)
        translations = TranslationRepository(transaction)
        present = (await translations.present(code, [key])).get(key)
        if present is None or not precondition.holds(present.version):
            raise await conflict_over(transaction, code, {"": key})
        await translations.remove(code, key, present.version + 1, actor.require_user_id(), resources.clock())


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


async def _write(
    actor: Actor,
    resources: Resources,
    code: str,
    by_field: Mapping[str, BatchItem],
    preconditions: Sequence[Precondition],
) -> list[TranslationView]:
    """Write all items or none. Each needs its precondition, whatever its `version`.

    `by_field` has them by their fields in the body; the field of a body that is the item itself is empty.
    """
    items = [*by_field.values()]
    keys = [item.key for item in items]
    async with resources.database.transaction() as transaction:
        await lock_language(actor, transaction, "translate", code)
        translations = TranslationRepository(transaction)
        present = await translations.present(code, keys)
        versions = {key: text.version for key, text in present.items()}
        stale = {
            field: item.key
            for (field, item), precondition in zip(by_field.items(), preconditions, strict=True)
            if not precondition.holds(versions.get(item.key))
        }
        if stale:
            raise await conflict_over(transaction, code, stale)
        last, now = await translations.last_versions(code, keys), resources.clock()
        texts = [
            WrittenText(
                key=item.key,
                text=item.text,
                state=item.state,
                version=last[item.key] + 1,
                updated_by=actor.require_user_id(),
                updated_at=now,
            )
            for item in items
        ]
        unchanged = {text.key: present[text.key] for text in texts if _is_stored(text, present.get(text.key))}
        await translations.store(code, [text for text in texts if text.key not in unchanged])
    return [
        to_struct(TranslationView, unchanged.get(text.key, text), language_code=code, text=text.text) for text in texts
    ]


def _is_stored(text: WrittenText, present: PresentText | None) -> bool:
    """Whether this text is stored in this state, so that writing it would change nothing."""
    return present is not None and (present.state, present.digest) == (text.state, sha256(text.text.encode()).digest())


def _no_translation() -> Problem:
    # Callers who pass the guard may read every translation of the language, so there is nothing to conceal.
    return Problem("not_found", "The language has no translation of this key.")
