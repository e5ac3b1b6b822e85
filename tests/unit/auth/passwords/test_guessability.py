"""Guesses at a secret: patterns and common words are found and named, passphrases are accepted."""

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.auth.passwords.guessability import WHY, why_guessable
from app.auth.passwords.rules import GUESSES_MIN, guesses_min
from app.words.catalogue import locales, section

WORDS = ["ada", "lovelace", "ostiary"]


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("aaaaaaaaaaaaaaa", "repeats"), ("                ", "repeats"), ("abcabcabcabcabcabc", "repeats"),
        ("passwordpassword", "repeats"), ("Summer2026Summer2026", "repeats"), ("\U0001f994" * 15, "repeats"),
        ("x" * 128, "repeats"), ("ostiaryostiary1", "repeats"), ("aaaaaaaaaaaaaaab", "repeats"),
        ("abcdefghijklmnopqrstuvwxyz", "sequences"), ("zyxwvutsrqponmlkj", "sequences"),
        ("123456789012345", "common"), ("Password12345678", "common"), ("P@ssw0rd12345678", "common"),
        ("dragonmonkeyshadow", "common"), ("1234567890qwerty", "common"), ("q1w2e3r4t5y6u7i8o9", "common"),
        ("rfvbgtyhnmju", "keyboard"), ("24.12.1999", "dates"), ("password ostiary", "common"),
        ("ostiary lovelace", "own"), ("Ostiary2026!Ostiary", "own"), ("smithjohnson", "names"),
        ("international", "words"),
    ],
)  # fmt: skip
def test_what_an_attacker_tries_first_is_refused_and_named(secret: str, why: str) -> None:
    assert why_guessable(secret, WORDS, GUESSES_MIN) == why


@pytest.mark.parametrize("secret", ["password1", "Iloveyou", "trustno1", "12345678"])
def test_a_common_secret_is_refused_where_eight_characters_are_enough(secret: str) -> None:
    assert why_guessable(secret, [], guesses_min(8)) == "common"


@pytest.mark.parametrize(
    "secret",
    [
        "seven lamps on a quiet harbour", "correct horse battery staple", "tasse wolke nagel birne", "xk9#mQ2$vL8&nR4",
        "пятнадцать букв и ещё", "ada likes seventeen lamps", "thunder-velvet-orbit-pickle",
    ],
)  # fmt: skip
def test_a_passphrase_and_a_random_secret_are_accepted(secret: str) -> None:
    assert why_guessable(secret, WORDS, GUESSES_MIN) == ""


@pytest.mark.parametrize("separator", [" ", "-", ""])
def test_four_words_of_a_list_are_accepted(separator: str) -> None:
    words = [word for word in FREQUENCY_LISTS["english_wikipedia"][:7776] if len(word) > 3]
    phrases = [
        separator.join(words[(97 * start + 1009 * step) % len(words)] for step in range(4)) for start in range(30)
    ]
    assert {phrase: why_guessable(phrase, WORDS, GUESSES_MIN) for phrase in phrases} == dict.fromkeys(phrases, "")


@pytest.mark.parametrize("length", [8, 9, 10])
def test_random_characters_of_the_least_length_are_accepted(length: int) -> None:
    assert why_guessable("k7vq2m9xhw"[:length], [], guesses_min(length)) == ""


def test_only_the_first_72_characters_count() -> None:
    assert why_guessable("a" * 72 + "seven lamps on a quiet harbour", [], GUESSES_MIN) == "repeats"
    assert why_guessable("seven lamps on a quiet harbour" + "a" * 98, [], GUESSES_MIN) == ""


def test_the_words_of_one_request_do_not_count_in_the_next() -> None:
    assert why_guessable("zephyrine", ["zephyrine"], 10**6) == "own"
    assert why_guessable("zephyrine", [], 10**6) == ""


@pytest.mark.parametrize("locale", locales())
def test_every_reason_has_a_text(locale: str) -> None:
    texts = section(locale, "field.with.too_guessable")
    assert set(texts) == {f"why_{why}" for why in (*WHY.values(), "words")}
