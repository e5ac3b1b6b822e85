"""Rules for new secrets: a length and blocklists, no composition rules (NIST SP 800-63B-4 section 3.1.1.2)."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from app.errors import Problem, invalid

MAX_BYTES = 1024
MAX_LENGTH = 128
SERVICE_WORDS = ("ostiary",)
CONTEXT_WORD_MIN = 3
# A secret must have this many characters besides the words of the user's own address and name.
OWN_PART_MIN = 8


def normalise(secret: str) -> str | None:
    """The secret in NFC; None if it is longer than 1 KiB.

    The length is checked first, because normalising a very long text takes seconds. Setting and verifying a secret
    both normalise it, to NFC and not to NFKC.
    """
    if len(secret) > MAX_BYTES or len(secret.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None
    return unicodedata.normalize("NFC", secret)


def acceptable(secret: str, *, min_length: int, context: Iterable[str]) -> str:
    """The normalised secret to hash.

    `min_length` counts code points; `context` has the user's address and name, which must not make up the secret.
    Raises `Problem` `validation_failed` with the reason (NIST requires one), never with the secret.
    """
    normal = normalise(secret)
    if normal is None or len(normal) > MAX_LENGTH:
        raise too_long()
    if len(normal) < min_length:
        raise invalid("secret", "too_short", f"At least {min_length} characters", params={"min": min_length})
    if _canonical(normal) in _common():
        raise invalid("secret", "common_secret", "This is one of the most used passwords: choose another")
    if _is_derived(normal, context):
        raise invalid("secret", "derived_secret", "This is made from your email address or name: choose another")
    return normal


def too_long() -> Problem:
    """The problem of a secret that is nobody's, because it is too long."""
    return invalid("secret", "too_long", f"At most {MAX_LENGTH} characters", params={"max": MAX_LENGTH})


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
