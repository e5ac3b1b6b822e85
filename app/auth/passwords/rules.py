"""Rules for new secrets: a length, words of the user and the service, and how many guesses the secret withstands.

No composition rules (NIST SP 800-63B-4 section 3.1.1.2). The guesses are estimated in a hash process.
"""

import re
import unicodedata
from collections.abc import Iterable

from app.errors import Problem, invalid

MAX_BYTES = 1024
MAX_LENGTH = 128
SERVICE_WORDS = ("ostiary",)
CONTEXT_WORD_MIN = 3
# A secret must have this many characters besides the words of the user's own address and name.
OWN_PART_MIN = 8
# zxcvbn's score 4. With a stolen database, ten machines that try 1,000 argon2id hashes a second each take 12 days for
# one account. Over HTTP an account has fewer than 100 guesses a day.
GUESSES_MIN = 10**10


def normalise(secret: str) -> str | None:
    """The secret in NFC; None if it is longer than 1 KiB.

    The length is checked first, because normalising a very long text takes seconds. Setting and verifying a secret
    both normalise it, to NFC and not to NFKC.
    """
    if len(secret) > MAX_BYTES or len(secret.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None
    return unicodedata.normalize("NFC", secret)


def acceptable(secret: str, *, min_length: int, words: Iterable[str]) -> str:
    """The normalised secret, whose guesses are not estimated yet.

    `min_length` counts code points; `words` are those of the user and the service, as `words_of` gives them, which must
    not make up the secret. Raises `Problem` `validation_failed` with the reason (NIST requires one), never with the
    secret.
    """
    normal = normalise(secret)
    if normal is None or len(normal) > MAX_LENGTH:
        raise too_long()
    if len(normal) < min_length:
        raise invalid("secret", "too_short", f"At least {min_length} characters", params={"min": min_length})
    if _is_derived(normal, words):
        raise invalid("secret", "derived_secret", "This is made from the email address, the name or the service's name")
    return normal


def guesses_min(min_length: int) -> int:
    """How many guesses a secret must withstand, where `min_length` characters are enough.

    zxcvbn counts ten guesses for a character that is in no pattern, so that a secret without patterns is never refused.
    """
    return min(GUESSES_MIN, int(10**min_length))


def words_of(texts: Iterable[str]) -> list[str]:
    """The words of these addresses and names, and `SERVICE_WORDS`: what an attacker tries first."""
    return sorted({word for text in (*texts, *SERVICE_WORDS) for word in _words(text)})


def too_guessable(why: str) -> Problem:
    """The problem of a secret that is easy to guess; `why` as `why_guessable` gives it."""
    return invalid("secret", "too_guessable", "This is too easy to guess", params={"why": why})


def too_long() -> Problem:
    """The problem of a secret that is nobody's, because it is too long."""
    return invalid("secret", "too_long", f"At most {MAX_LENGTH} characters", params={"max": MAX_LENGTH})


def _canonical(secret: str) -> str:
    return secret.casefold().strip()


def _is_derived(secret: str, words: Iterable[str]) -> bool:
    rest = left = _canonical(secret)
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != rest and len(re.sub(r"[\W_]", "", left)) < OWN_PART_MIN


def _words(text: str) -> set[str]:
    folded = _canonical(unicodedata.normalize("NFC", text))
    parts = [folded, *folded.split("@"), *re.split(r"[\W_]+", folded)]
    return {part for part in parts if len(part) >= CONTEXT_WORD_MIN}
