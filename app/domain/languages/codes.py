"""BCP 47 tags (RFC 5646): validation, canonical form, default autonym and text direction."""

import langcodes

from app.errors import invalid

MAX_LENGTH = 35  # RFC 5646 section 4.4.1
# The scripts that Unicode writes from right to left (UAX #9), by their ISO 15924 codes.
RIGHT_TO_LEFT = frozenset({
    "Adlm", "Arab", "Aran", "Armi", "Avst", "Chrs", "Cprt", "Elym", "Hatr", "Hebr", "Hung", "Khar", "Lydi", "Mand",
    "Mani", "Mend", "Merc", "Mero", "Narb", "Nbat", "Nkoo", "Ougr", "Palm", "Phli", "Phlp", "Phnx", "Prti", "Rohg",
    "Samr", "Sarb", "Sogd", "Sogo", "Syrc", "Thaa", "Yezi",
})  # fmt: skip


def canonical(tag: str, field: str = "code") -> str:
    """The canonical form of a tag: `PT-br` is `pt-BR`. Raises `Problem` `validation_failed` for an invalid one."""
    problem = invalid(field, "invalid_language_tag", "This is not a BCP 47 language tag such as de or pt-BR")
    if not tag or len(tag) > MAX_LENGTH or not tag.isascii() or "_" in tag or not langcodes.tag_is_valid(tag):
        raise problem
    code = langcodes.standardize_tag(tag)
    if code == "und" or len(code) > MAX_LENGTH:
        raise problem
    return code


def autonym_of(code: str) -> str:
    """The language's name in the language itself, or its English one, or the code if neither is known."""
    language = langcodes.Language.get(code)
    name = language.autonym()
    return name if name and not name.startswith("Unknown language") else code


def direction_of(code: str) -> str:
    """`rtl` if the language is usually written from right to left, else `ltr`."""
    script = langcodes.Language.get(code).maximize().script
    return "rtl" if script in RIGHT_TO_LEFT else "ltr"
