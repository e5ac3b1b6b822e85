"""Validation and normalisation of email addresses, used at every entry point.

Order matters: an address that is validated first and normalised after can become another address (look-alike `@`).
"""

import unicodedata
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from app.errors import invalid
from app.settings.model import Settings

MAX_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
LOCAL_PART_OCTETS = 64  # RFC 5321 section 4.5.3.1.1
# Format, control, private, surrogate and unassigned characters, and white space, have no place in an address.
REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
# Characters of Unicode's Default_Ignorable_Code_Point in other categories: marks and fillers that are invisible.
INVISIBLE = frozenset(
    map(
        chr,
        (
            0x034F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
IDEOGRAPHIC_FULL_STOP = "\u3002"  # IDNA reads it as a dot


class Address(NamedTuple):
    """An email address: `written` for display and delivery, `unique` (normalised) for look-up."""

    written: str
    unique: str


def normalise(raw: str, field: str = "email", *, test_domains: bool = True) -> Address:
    """The address in both forms. A `+tag` is kept.

    `test_domains` accepts domains under `.test` and `.example`, which never receive mail (RFC 2606). Raises `Problem`
    `validation_failed` for `field` if `raw` is too long, has no `@` or two, is of another special-use domain, or
    contains an invisible character or one that compatibility normalisation would change (a look-alike).
    """
    written = raw.strip(" ")
    problem = invalid(field, "invalid_email", "This is not an email address")
    if not written or len(written) > MAX_LENGTH or not _is_plain(written):
        raise problem
    try:
        checked = validate_email(
            written, check_deliverability=False, test_environment=test_domains, allow_smtputf8=True
        )
    except EmailNotValidError:
        raise problem from None
    if not test_domains and checked.ascii_domain.rpartition(".")[2] == "example":
        raise problem
    unique = unicodedata.normalize("NFC", checked.normalized.lower())
    # Lower case can be longer.
    local_parts = (checked.local_part, unique.rpartition("@")[0])
    if len(unique) > MAX_LENGTH or any(len(part.encode()) > LOCAL_PART_OCTETS for part in local_parts):
        raise problem
    return Address(written=checked.normalized, unique=unique)


def normalise_new(raw: str, settings: Settings, field: str = "email") -> Address:
    """As `normalise`, for an address that mail will go to: one under `.test` or `.example` is refused in production."""
    return normalise(raw, field, test_domains=settings.environment != "production")


def _is_plain(value: str) -> bool:
    if value.isascii():
        return value.isprintable() and " " not in value
    return unicodedata.normalize("NFKC", value) == unicodedata.normalize("NFC", value) and not any(
        character in INVISIBLE
        or character == IDEOGRAPHIC_FULL_STOP
        or unicodedata.category(character) in REFUSED_CATEGORIES
        for character in value
    )
