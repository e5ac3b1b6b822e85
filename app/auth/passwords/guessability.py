"""How many guesses a secret withstands, by zxcvbn: repetitions, sequences, keyboard walks, common words and dates.

Runs in a hash process alone: an estimate takes milliseconds, and the first one loads the word lists.
"""

from collections.abc import Sequence

from zxcvbn import zxcvbn

# The limit of zxcvbn itself, whose estimate takes at least quadratic time in the length.
ESTIMATED_MAX = 72
# Why a secret is easy to guess, by the pattern that zxcvbn has found, and by its dictionary.
WHY = {
    "repeat": "repeats",
    "sequence": "sequences",
    "spatial": "keyboard",
    "date": "dates",
    "regex": "dates",
    "passwords": "common",
    "user_inputs": "own",
    "surnames": "names",
    "male_names": "names",
    "female_names": "names",
}


def why_guessable(secret: str, words: Sequence[str], guesses_min: int) -> str:
    """Why fewer than `guesses_min` guesses find the secret: a value of `WHY`, or `words`; empty if they do not.

    `words` are words of the user and the service, which an attacker tries first. Only the first 72 characters count.
    """
    result = zxcvbn(secret[:ESTIMATED_MAX], user_inputs=words)
    if result["guesses"] >= guesses_min:
        return ""
    longest = max(result["sequence"], key=lambda match: (match["pattern"] != "bruteforce", len(match["token"])))
    return WHY.get(longest.get("dictionary_name") or longest["pattern"], "words")
