"""The texts that people read: one TOML file of words for each language, with the same words in all files."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

import langcodes
from langcodes.tag_parser import LanguageTagError

FOLDER = Path(__file__).parent
FALLBACK_LOCALE = "en"
PLACEHOLDER = re.compile(r"\{(\w+)\}")
UNITS = (("day", 24 * 60), ("hour", 60), ("minute", 1))

Words = Mapping[str, str]


def read_words(folder: Path) -> dict[str, Words]:
    """The words of each language file in `folder`, by locale and full name, as `mail.sign_in.button`.

    Raises `ValueError` if a file does not have exactly the words of `en.toml`, or not the same placeholders in a
    word: one line for each mistake.
    """
    words = {file.stem: dict(_flatten(tomllib.loads(file.read_text("utf-8")))) for file in folder.glob("*.toml")}
    english = words[FALLBACK_LOCALE]
    mistakes = [
        f"{locale}.toml: {mistake}"
        for locale, translation in words.items()
        for mistake in _compare(translation, english)
    ]
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return dict(sorted(words.items()))


@cache
def locales() -> tuple[str, ...]:
    """The BCP 47 tags of the languages, sorted. Raises as `read_words`."""
    return tuple(_shipped())


@lru_cache(maxsize=1024)
def nearest_locale(wanted: str | None) -> str:
    """The locale that a reader of the language `wanted`, a BCP 47 tag, reads best; English if none is near.

    A reader of `de-AT` gets `de`. The result is English if the value is not a tag.
    """
    return near_locale(wanted or "") or FALLBACK_LOCALE


def near_locale(wanted: str) -> str | None:
    """The locale that a reader of the language `wanted`, a BCP 47 tag, reads well; None if none is near, or if the
    value is not a tag."""
    try:
        return langcodes.closest_supported_match(wanted, list(locales())) if wanted else None
    except LanguageTagError:
        return None


@cache
def section(locale: str, name: str) -> Words:
    """The words of a section such as `mail.sign_in`, by their names in it. Empty if the section does not exist.

    Raises `KeyError` for a locale that `locales` does not list.
    """
    prefix = f"{name}."
    return {
        word.removeprefix(prefix): text
        for word, text in _shipped()[locale].items()
        if word.startswith(prefix) and "." not in word.removeprefix(prefix)
    }


def placeholders(text: str) -> frozenset[str]:
    """The names in braces in a text."""
    return frozenset(PLACEHOLDER.findall(text))


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with a value in place of each placeholder. Braces in a value stay. Raises `KeyError` for no value."""
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), text)


def duration(locale: str, seconds: int) -> str:
    """A duration in words, in the largest unit that is exact, rounded to minutes: `7 days`; at least 1 minute."""
    minutes = max((seconds + 30) // 60, 1)
    unit, size = next((unit, size) for unit, size in UNITS if minutes % size == 0)
    count = minutes // size
    return fill(section(locale, "duration")[unit if count == 1 else f"{unit}s"], {"count": count})


@cache
def _shipped() -> dict[str, Words]:
    return read_words(FOLDER)


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each text of nested TOML tables, with its full name."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def _compare(translation: Words, english: Words) -> Iterator[str]:
    """One line for each difference of names or placeholders."""
    for name in sorted(english.keys() | translation.keys()):
        if name not in translation:
            yield f"{name} is missing"
        elif name not in english:
            yield f"{name} is not in {FALLBACK_LOCALE}.toml"
        elif placeholders(translation[name]) != placeholders(english[name]):
            yield f"{name} has the placeholders {sorted(placeholders(translation[name]))}"
