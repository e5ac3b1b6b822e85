"""Which language a reader wants: the header `Accept-Language` first, then the language of their account."""

import re
from collections.abc import Iterable
from functools import lru_cache

from app.words.catalogue import near_locale, nearest_locale

# A longer header is cut: browsers send fewer languages, and each costs a comparison.
RANGES_MAX = 16
HEADER_MAX = 400
# `language-range [ weight ]` (RFC 9110 sections 12.4.2 and 12.5.4, RFC 4647 section 2.1).
RANGE = re.compile(
    r"[ \t]*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)


def wanted_locale(accept_language: str, of_account: str | None = None) -> str:
    """The locale to write in, for a request with this `Accept-Language` by a user whose own language is `of_account`.

    The languages of the header come by their quality, then in their order; those that have no near locale are passed
    over. Without one, or for `*`, it is the language of the account, and English if that has no near locale. Parts of
    the header that are no language ranges are ignored (RFC 9110 section 12.5.4).
    """
    return accepted_locale(accept_language) or nearest_locale(of_account)


def accepted_locale(accept_language: str) -> str | None:
    """The locale that the header asks for; None if it names none, and for `*`."""
    return _first_accepted(accept_language[:HEADER_MAX])


@lru_cache(maxsize=1024)
def _first_accepted(accept_language: str) -> str | None:
    for language in _by_quality(accept_language.split(",")[:RANGES_MAX]):
        if language == "*":
            return None
        if locale := near_locale(language):
            return locale
    return None


def _by_quality(parts: Iterable[str]) -> list[str]:
    matches = [match for match in map(RANGE.fullmatch, parts) if match]
    qualities = [(float(match[2] or 1), match[1]) for match in matches]
    accepted = [item for item in qualities if item[0] > 0]
    return [language for _, language in sorted(accepted, key=lambda item: -item[0])]
