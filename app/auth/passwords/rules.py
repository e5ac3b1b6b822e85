"""What makes a secret acceptable: NIST SP 800-63B-4 section 3.1.1.2. Length and blocklists; no composition rules."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from app.errors import FieldError, Problem

MAX_BYTES = 1024
MAX_LENGTH = 128
SERVICE_WORDS = ("ostiary",)
CONTEXT_WORD_MIN = 3
# What must be left of a secret once the words of the user's own address and name are taken out.
OWN_PART_MIN = 8


def normalise(secret: str) -> str | None:
    """The secret in NFC, or None where it is over 1 KiB.

    The cap comes first: normalising a long enough text takes seconds. NFC, not NFKC, at setting and at checking alike.
    """
    if len(secret) > MAX_BYTES or len(secret.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None
    return unicodedata.normalize("NFC", secret)


def acceptable(secret: str, *, min_length: int, context: Iterable[str], field: str = "secret") -> str:
    """The normalised secret to hash.

    `min_length` counts code points; `context` is what the secret must not be made of: the user's address and name.
    Raises `Problem` `validation_failed` with the reason (NIST asks to tell it), never with the secret.
    """
    normal = normalise(secret)
    if normal is None or len(normal) > MAX_LENGTH:
        raise _refused(field, "too_long", f"At most {MAX_LENGTH} characters")
    if len(normal) < min_length:
        raise _refused(field, "too_short", f"At least {min_length} characters")
    if _canonical(normal) in _common():
        raise _refused(field, "common_secret", "This is one of the most used passwords: choose another")
    if _is_derived(normal, context):
        raise _refused(field, "derived_secret", "This is made from your email address or name: choose another")
    return normal


def _refused(field: str, code: str, message: str) -> Problem:
    return Problem("validation_failed", errors=[FieldError(field, code, message)])


def _canonical(secret: str) -> str:
    return secret.casefold().strip()


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 # half a second that only this check needs

    return frozenset(map(_canonical, FREQUENCY_LISTS["passwords"]))


def _is_derived(secret: str, context: Iterable[str]) -> bool:
    words = {word for text in (*context, *SERVICE_WORDS) for word in _words(text)}
    rest = left = _canonical(secret)
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != rest and len(re.sub(r"[\W_]", "", left)) < OWN_PART_MIN


def _words(text: str) -> set[str]:
    folded = _canonical(unicodedata.normalize("NFC", text))
    parts = [folded, *folded.split("@"), *re.split(r"[\W_]+", folded)]
    return {part for part in parts if len(part) >= CONTEXT_WORD_MIN}
