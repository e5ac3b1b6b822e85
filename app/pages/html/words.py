"""The words of a page: those of its own section of the catalogue, and those that all pages share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from babel.dates import format_datetime
from markupsafe import Markup, escape

from app.words.catalogue import Words, fill, section

SHARED, ADMIN = "shared", "admin"


class Say:
    """`say("heading")` in a template is the word `heading` of the page, as safe HTML.

    Values for its placeholders are escaped, unless they are HTML already, as `strong(email)` is. Every word may use
    `service`. Raises `KeyError` for a word that the catalogue does not have, and for a missing value.
    """

    def __init__(self, locale: str, page: str, service: str) -> None:
        self._words = words_of(locale, page)
        self._service = service

    def __call__(self, name: str, **values: object) -> Markup:
        """The word with its values."""
        escaped = {key: escape(value) for key, value in {"service": self._service, **values}.items()}
        return Markup(fill(escape(self._words[name]), escaped))  # noqa: S704 # all of it has been escaped

    def has(self, name: str) -> bool:
        """Whether the page has the word."""
        return name in self._words


def strong(text: str) -> Markup:
    """A value that stands out in a sentence, such as an address, whatever the direction in which it is written."""
    return Markup("<strong><bdi>{}</bdi></strong>").format(text)


def moment_in_words(locale: str, moment: datetime) -> Markup:
    """A point in time, in UTC: pages without scripts do not know the time zone of their reader."""
    text = format_datetime(moment.astimezone(UTC), "d MMMM y, HH:mm", locale=locale.replace("-", "_"))
    return Markup('<time datetime="{}">{} UTC</time>').format(moment.isoformat(), text)


@cache
def words_of(locale: str, page: str) -> Words:
    """The words of a page: those of all pages, for a page of the console those of `pages.admin`, and its own."""
    names = (SHARED, *([ADMIN] if page.startswith(f"{ADMIN}_") else []), page)
    words: Mapping[str, str] = {key: text for name in names for key, text in section(locale, f"pages.{name}").items()}
    return words
