"""Acceptable secrets: length, and words of the user and the service. There are no composition rules."""

import time
import unicodedata

import pytest

from app.auth.passwords.rules import GUESSES_MIN, MAX_LENGTH, acceptable, guesses_min, normalise, words_of
from app.errors import Problem

WORDS = words_of(["ada.lovelace@bigfarm.example", "Ada Lovelace"])


def refusal(secret: str, *, min_length: int = 15) -> str:
    """The error code of the secret, whose error message does not repeat the secret."""
    with pytest.raises(Problem) as raised:
        acceptable(secret, min_length=min_length, words=WORDS)
    [error] = raised.value.errors
    assert error.field == "secret"
    assert not secret or secret not in error.message
    return error.code


@pytest.mark.parametrize(
    "secret",
    [
        "seven lamps on a quiet harbour",
        "пятнадцать букв и ещё",
        "🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔",
        "x" * MAX_LENGTH,
        "ada likes seventeen lamps",
    ],
)
def test_every_secret_of_sufficient_length_is_accepted_without_composition_rules(secret: str) -> None:
    assert acceptable(secret, min_length=15, words=WORDS) == secret


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ("", "too_short"),
        ("fourteen chars", "too_short"),
        ("🦔" * 14, "too_short"),
        ("x" * (MAX_LENGTH + 1), "too_long"),
        ("🦔" * 257, "too_long"),
        ("x" * 1_000_000, "too_long"),
        ("Ada Lovelace 1815", "derived_secret"),
        ("ada.lovelace@bigfarm.example", "derived_secret"),
        ("ADALOVELACE-bigfarm!", "derived_secret"),
        ("ostiary ostiary 1", "derived_secret"),
    ],
)
def test_a_refused_secret_gets_an_error_code(secret: str, code: str) -> None:
    assert refusal(secret) == code


def test_a_secret_without_patterns_of_the_least_length_withstands_enough_guesses() -> None:
    assert [guesses_min(length) for length in (8, 9, 10, 15, 128)] == [10**8, 10**9, *[GUESSES_MIN] * 3]


def test_the_words_are_the_parts_of_addresses_and_names_and_the_name_of_the_software() -> None:
    assert words_of(["Ada-Maria@Bigfarm.example", "Al O'Neil", ""]) == [
        "ada", "ada-maria", "ada-maria@bigfarm.example", "al o'neil", "bigfarm", "bigfarm.example", "example", "maria",
        "neil", "ostiary",
    ]  # fmt: skip


def test_the_minimum_length_counts_code_points_after_normalisation() -> None:
    decomposed = "e\u0301" * 8
    assert refusal(decomposed, min_length=9) == "too_short"
    assert acceptable(decomposed, min_length=8, words=()) == "\u00e9" * 8


def test_canonically_equivalent_secrets_are_equal_and_compatibility_equivalents_are_not() -> None:
    assert normalise("caf\u00e9") == normalise("cafe\u0301")
    assert normalise("\ufb01sh") != normalise("fish")


def test_a_secret_over_1_kib_is_refused_before_normalisation() -> None:
    hostile = "a" + "\u0301\u0327" * 2_000_000
    started = time.perf_counter()
    assert normalise(hostile) is None
    assert time.perf_counter() - started < 1
    assert normalise("\u00e9" * 512) == unicodedata.normalize("NFC", "\u00e9" * 512)
    assert normalise("\u00e9" * 513) is None


def test_an_unpaired_surrogate_is_measured_without_an_exception() -> None:
    assert normalise("\ud800" * 341) == "\ud800" * 341
    assert normalise("\ud800" * 342) is None
