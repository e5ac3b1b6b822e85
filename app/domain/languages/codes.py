"""BCP 47 tags (RFC 5646): validation, canonical form, default autonym and text direction."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import langcodes
from babel.core import get_global
from langcodes.data_dicts import LANGUAGE_ALPHA3, LANGUAGE_ALPHA3_BIBLIOGRAPHIC
from langcodes.tag_parser import LanguageTagError, parse_tag
from msgspec import Struct

from app.errors import invalid
from app.text import conventional_case

# As IANA publishes it; `make registry` gets the present one. That of langcodes is of 2021.
REGISTRY = Path(__file__).parent / "language-subtag-registry.txt"
MAX_LENGTH = 35  # RFC 5646 section 4.4.1
# The scripts that Unicode writes from right to left (UAX #9), by their ISO 15924 codes.
RIGHT_TO_LEFT = frozenset({
    "Adlm", "Arab", "Aran", "Armi", "Avst", "Chrs", "Cprt", "Elym", "Gara", "Hatr", "Hebr", "Hung", "Khar", "Lydi",
    "Mand", "Mani", "Mend", "Merc", "Mero", "Narb", "Nbat", "Nkoo", "Orkh", "Ougr", "Palm", "Phli", "Phlp", "Phnx",
    "Prti", "Rohg", "Samr", "Sarb", "Sidt", "Sogd", "Sogo", "Syrc", "Syre", "Syrj", "Syrn", "Thaa", "Yezi",
})  # fmt: skip
# What ISO 639-2 and 639-3 call a language that has a code of two letters, and BCP 47 therefore does not.
TWO_LETTERS = {
    three: two
    for codes in (LANGUAGE_ALPHA3, LANGUAGE_ALPHA3_BIBLIOGRAPHIC)
    for two, three in codes.items()
    if two[2:] == ""
}
# The parser's name of each part of a tag that the registry knows, and the registry's name.
REGISTERED = {"language": "language", "script": "script", "territory": "region", "variant": "variant"}


class Subtag(Struct, frozen=True):
    """What the IANA registry says about a subtag or a whole tag, in lower case but for its English name."""

    name: str
    preferred: str | None
    prefix: str | None
    macrolanguage: str | None


def canonical(tag: str, field: str = "code") -> str:
    """The canonical form of a tag: `PT-br` is `pt-BR`. Raises `Problem` `validation_failed` for an invalid one.

    That is RFC 5646 section 4.5, no more: the registry's preferred values, and the case of section 2.1.1. A code of ISO
    639 with three letters is taken for the one with two.
    """
    code = None
    if tag and len(tag) <= MAX_LENGTH and tag.isascii() and "_" not in tag:
        try:
            code = _canonical(tag.lower())
        except LanguageTagError:
            code = None
    if not code or code == "und" or len(code) > MAX_LENGTH:
        raise invalid(field, "invalid_language_tag", "This is not a BCP 47 language tag such as de or pt-BR")
    return conventional_case(code)


def autonym_of(code: str) -> str:
    """The name of a language, given by its canonical code, in the language itself.

    The English name if that is not known, and the code if neither is.
    """
    name = langcodes.Language.get(code, normalize=False).autonym()
    if name and not name.startswith("Unknown language"):
        return name
    registered = _registry().get(("language", code))
    return registered.name if registered else code


def direction_of(code: str) -> str:
    """`rtl` if the language of a canonical code is usually written from right to left, else `ltr`."""
    return "rtl" if _script_of(code) in RIGHT_TO_LEFT else "ltr"


def _canonical(tag: str) -> str | None:
    """The canonical form in lower case; None if a subtag is not registered, out of place or there twice."""
    registry = _registry()
    whole = registry.get(("tag", tag))
    if whole and whole.preferred:
        return whole.preferred
    parsed = parse_tag(tag)  # type: ignore[no-untyped-call] # the module has no annotations
    parts = [(kind, value.lower()) for kind, value in parsed]
    if parts[0][0] == "grandfathered" or tag.startswith("x-"):
        return tag
    if len({(kind, value[:2] if kind == "extension" else value) for kind, value in parts}) < len(parts):
        return None
    subtags, extensions = list[str](), list[str]()
    for kind, value in parts:
        if kind == "extlang":
            extended = registry.get(("extlang", value))
            if extended is None or [extended.prefix] != subtags:
                return None
            subtags = [extended.preferred or value]
        elif kind in REGISTERED:
            known = TWO_LETTERS.get(value, value) if kind == "language" else value
            found = registry.get((REGISTERED[kind], known)) or _private(REGISTERED[kind], known)
            if found is None:
                return None
            subtags.append(found.preferred or known)
        else:
            extensions.append(value)
    # By their singletons; what is for private use begins with x, and is the last.
    private = [value for value in extensions if value.startswith("x-")]
    return "-".join([*subtags, *sorted(value for value in extensions if value not in private), *private])


def _script_of(code: str) -> str | None:
    """The script that a tag names, or the usual one of its language, or of that language's macrolanguage."""
    tag = langcodes.Language.get(code, normalize=False)
    if tag.script:
        return tag.script
    likely = get_global("likely_subtags")
    language = tag.language or ""
    known = _registry().get(("language", language))
    for name in (language, known.macrolanguage or "" if known else ""):
        for key in (f"{name}_{tag.territory}", name):
            if key in likely:
                return str(likely[key].split("_")[1])
    return None


@cache
def _registry() -> dict[tuple[str, str], Subtag]:
    """The IANA registry by type and subtag, in lower case; whole tags have the type `tag`."""
    registry = dict[tuple[str, str], Subtag]()
    for entry in registry_entries():
        kind, name = (entry["Type"], entry["Subtag"]) if "Subtag" in entry else ("tag", entry["Tag"])
        preferred = entry.get("Preferred-Value")
        registry[kind, name.lower()] = Subtag(
            entry["Description"],
            preferred and preferred.lower(),
            entry.get("Prefix"),
            entry.get("Macrolanguage"),
        )
    return registry


def registry_entries() -> Iterator[dict[str, str]]:
    """The records of the registry (RFC 5646 section 3.1): the first value of each field, without continuation lines."""
    for record in REGISTRY.read_text("utf-8").split("%%\n")[1:]:
        lines = (line for line in reversed(record.splitlines()) if not line.startswith(" "))
        yield dict(line.split(": ", 1) for line in lines)


def _private(kind: str, subtag: str) -> Subtag | None:
    """The entry of a range for private use, such as `qaa..qtz`, that a subtag is in."""
    ranges = ((name.split(".."), found) for (of, name), found in _registry().items() if of == kind and ".." in name)
    in_range = (found for (low, high), found in ranges if len(low) == len(subtag) and low <= subtag <= high)
    return next(in_range, None)
