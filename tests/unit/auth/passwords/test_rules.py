"""What makes a secret acceptable: length, the list of common ones, and the user's own words. No composition rules."""

import time
import unicodedata

import pytest

from app.auth.passwords.rules import MAX_LENGTH, acceptable, normalise
from app.errors import Problem

CONTEXT = ("ada.lovelace@bigfarm.example", "Ada Lovelace")


def refusal(secret: str, *, min_length: int = 15) -> str:
    with pytest.raises(Problem) as raised:
        acceptable(secret, min_length=min_length, context=CONTEXT, field="newSecret")
    [error] = raised.value.errors
    assert error.field == "newSecret"
    assert not secret or secret not in error.message
    return error.code


@pytest.mark.parametrize(
    "secret",
    [
        "seven lamps on a quiet harbour",
        "aaaabbbbccccdddd",
        "                ",
        "пятнадцать букв и ещё",
        "🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔🦔",
        "x" * MAX_LENGTH,
        "ada likes seventeen lamps",
    ],
)
def test_any_long_enough_secret_is_taken_whatever_it_is_made_of(secret: str) -> None:
    assert acceptable(secret, min_length=15, context=CONTEXT) == secret


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
def test_a_refused_secret_is_told_why(secret: str, code: str) -> None:
    assert refusal(secret) == code


@pytest.mark.parametrize("secret", ["password1", "Iloveyou", "trustno1", " 12345678 "])
def test_a_common_secret_is_refused_in_any_case(secret: str) -> None:
    assert refusal(secret, min_length=8) == "common_secret"


def test_the_minimum_counts_code_points_after_normalisation() -> None:
    decomposed = "e\u0301" * 8
    assert refusal(decomposed, min_length=9) == "too_short"
    assert acceptable(decomposed, min_length=8, context=()) == "\u00e9" * 8


def test_both_spellings_of_a_character_are_one_secret_but_compatible_ones_are_not() -> None:
    assert normalise("caf\u00e9") == normalise("cafe\u0301")
    assert normalise("\ufb01sh") != normalise("fish")


def test_what_is_over_a_kibibyte_is_not_even_normalised() -> None:
    hostile = "a" + "\u0301\u0327" * 2_000_000
    started = time.perf_counter()
    assert normalise(hostile) is None
    assert time.perf_counter() - started < 1
    assert normalise("\u00e9" * 512) == unicodedata.normalize("NFC", "\u00e9" * 512)
    assert normalise("\u00e9" * 513) is None


def test_an_unpaired_surrogate_is_measured_and_not_a_crash() -> None:
    assert normalise("\ud800" * 341) == "\ud800" * 341
    assert normalise("\ud800" * 342) is None
