"""Request and response bodies of the translation routes."""

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from app.text import ENTERED_PER_CHARACTER

State = Literal["draft", "approved"]

# `batch` is a route, and URLs lose `.` and `..`. `(?![\s\S])` is the end of the text in Python and JavaScript alike;
# `$` is not.
KEY_PATTERN = r"^(?!(?:batch|\.{1,2})(?![\s\S]))[A-Za-z0-9._:/-]{1,200}(?![\s\S])"
KEY = re.compile(KEY_PATTERN)
PREFIX_PATTERN = r"^[A-Za-z0-9._:/-]{0,200}(?![\s\S])"
TEXT_MAX = 20_000
BATCH_MAX = 500

KEY_RULE = "1 to 200 letters, digits and . _ : / -"
KeyText = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=KEY_PATTERN, description=KEY_RULE, extra={"form": "key"})
]
TranslationText = Annotated[
    str,
    Meta(
        max_length=ENTERED_PER_CHARACTER * TEXT_MAX,
        description=f"At most {TEXT_MAX} characters in Unicode normalisation form C, in which it is kept.",
    ),
]


class TranslationView(Struct, frozen=True, rename="camel"):
    """A translation. `version` is what `If-Match` names; `updatedBy` is null once that user is deleted."""

    language_code: str
    key: str
    text: str
    state: State
    version: int
    updated_by: UUID | None
    updated_at: datetime


class NewText(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The text to write. A changed text is a draft again unless it says otherwise."""

    text: TranslationText
    state: State = "draft"


class BatchItem(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One write of a batch: `version` is the version that it replaces, null for a new key."""

    key: KeyText
    text: TranslationText
    version: Annotated[int, Meta(ge=1)] | None
    state: State = "draft"


class Batch(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Writes that happen all or not at all."""

    items: Annotated[list[BatchItem], Meta(min_length=1, max_length=BATCH_MAX)]


class BatchResult(Struct, frozen=True, rename="camel"):
    """The translations as written, in the order of the batch."""

    items: list[TranslationView]


class ChangeView(Struct, frozen=True, rename="camel"):
    """What became of a translation. If it was deleted, `deleted` is true, and `text` and `state` are null."""

    sequence: int
    language_code: str
    key: str
    version: int
    deleted: bool
    text: str | None
    state: State | None
    updated_by: UUID | None
    updated_at: datetime


class Changes(Struct, frozen=True, rename="camel"):
    """Changes in the order in which they were made. `nextAfter` is the `after` of the next request.

    `more` tells that the next request has something already.
    """

    items: list[ChangeView]
    next_after: int
    more: bool


class VersionView(Struct, frozen=True, rename="camel"):
    """One change: `text` and `state` are null if the translation was deleted."""

    language_code: str
    key: str
    version: int
    text: str | None
    state: State | None
    changed_by: UUID | None
    changed_at: datetime
