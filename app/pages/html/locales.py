"""The languages in which a person can read the service."""

from babel import Locale, UnknownLocaleError

from app.words.catalogue import locales


def name_of_locale(tag: str) -> str:
    """The name of a language in itself, such as `Deutsch`; the tag for a language that has none."""
    try:
        name = Locale.parse(tag, sep="-").get_display_name()
    except (ValueError, UnknownLocaleError):
        name = None
    return name[:1].upper() + name[1:] if name else tag


def locale_choices(present: str | None) -> list[tuple[str, str]]:
    """The languages to choose from, by tag and name: those that have words, and the one that is chosen now."""
    tags = [*locales(), *([present] if present and present not in locales() else [])]
    return [(tag, name_of_locale(tag)) for tag in tags]
