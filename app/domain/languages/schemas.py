"""Request and response bodies of the language routes."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.text import name_meta

LanguageTagText = Annotated[
    str, Meta(min_length=1, max_length=35, description="A BCP 47 language tag.", examples=["pt-BR"])
]
NameText = Annotated[str, name_meta("", "Brazilian Portuguese")]
Direction = Literal["ltr", "rtl"]


class LanguageView(Struct, frozen=True, rename="camel"):
    """A language. `code` is its canonical BCP 47 tag and never changes."""

    code: str
    name: str
    autonym: str
    text_direction: Direction
    created_at: datetime


class NewLanguage(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A language to create. Autonym and direction default to those of the code."""

    code: LanguageTagText
    name: NameText
    autonym: NameText | None = None
    text_direction: Direction | None = None


class LanguageChange(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What to change; what is left out stays as it is."""

    name: NameText | UnsetType = UNSET
    autonym: NameText | UnsetType = UNSET
    text_direction: Direction | UnsetType = UNSET
