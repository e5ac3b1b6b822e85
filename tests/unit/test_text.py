"""Entered text: its normal form and length, the rule of names, and comparison without regard to case."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Problem
from app.text import COMBINING_MAX, NAME_MAX, conventional_case, folded, in_nfc, name_in_nfc

PERSIAN = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"  # with a zero-width non-joiner
SINHALA = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"  # with a zero-width joiner
FLAG_OF_SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


def refusal(text: str, max_length: int = 10) -> str:
    """The code of the error that a text of at most `max_length` characters gets."""
    with pytest.raises(Problem) as caught:
        in_nfc(text, "text", max_length)
    (error,) = caught.value.errors
    assert error.field == "text"
    return error.code


def test_a_length_counts_characters_in_nfc() -> None:
    assert in_nfc("e\u0301" * 10, "text", 10) == "\u00e9" * 10
    assert in_nfc("\u03b1\u0313\u0300\u0345" * 10, "text", 10) == "\u1f82" * 10
    assert refusal("e\u0301" * 11) == "too_long"
    assert refusal("\ufb2c" * 10) == "too_long"  # each is three characters in NFC
    assert len(in_nfc("\ufb2c" * 3, "text", 10)) == 9


def test_a_text_that_can_only_be_too_long_is_not_normalised() -> None:
    assert refusal("e\u0301" * 10_000_000) == "too_long"


def test_combining_marks_in_a_row_are_few_so_that_normalising_takes_linear_time() -> None:
    longest = "a" + "\u0301\u0323" * (COMBINING_MAX // 2)
    assert unicodedata.is_normalized("NFC", in_nfc(longest * 3, "text", 1000))
    assert refusal(longest + "\u0301", 1000) == "invalid"
    assert refusal("a" + "\u0301\u0323" * 39_999, 20_000) == "invalid"  # would take five seconds


@given(st.text(max_size=40))
def test_a_text_that_is_accepted_is_accepted_again_and_stays_as_it_is(entered: str) -> None:
    try:
        text = in_nfc(entered, "text", 20)
    except Problem:
        return
    assert len(text) <= 20
    assert in_nfc(text, "text", 20) == text


@pytest.mark.parametrize(
    "name",
    ["Ada", "J", "\u674e", PERSIAN, SINHALA, "\u00d3 Briain", "O'Neill-Smith, Jr.", "\u2764\ufe0f", FLAG_OF_SCOTLAND,
     "\U0001f469\u200d\U0001f680", "\u05e9\u05b8\u05c1", "3", "X \u00c6 A-12", "\U00011f04", "\U0001fae9"],
)  # fmt: skip
def test_a_name_that_somebody_has_is_kept_as_it_is(name: str) -> None:
    assert name_in_nfc(name) == name


IDEOGRAPH_OF_A_JAPANESE_NAME = "\u845b\U000e0100"


@pytest.mark.parametrize(
    "name",
    [
        "\u0d05\u0d35\u0d28\u0d4d\u200d",  # Malayalam, with a joiner at its end
        "\u09b0\u200d\u09cd\u09af\u09be\u09ac",  # Bengali
        "\u1823\u180b\u182f\u180e\u1820",  # Mongolian, with a variant and a vowel separator
        IDEOGRAPH_OF_A_JAPANESE_NAME + "\u98fe",
        "Ada \u2764\ufe0f\u200d\U0001f525",
        "1\ufe0f\u20e3",
        "\U0001f469\U0001f3fd\u200d\u2695\ufe0f",
    ],
)
def test_a_character_that_shows_nothing_stays_where_a_script_or_an_emoji_needs_it(name: str) -> None:
    assert name_in_nfc(name) == name


@pytest.mark.parametrize(
    ("joiner", "before", "after"),
    [
        ("\u200c", "\u0645\u06cc", "\u062f"),
        ("\u200d", "\u0dc1\u0dca", "\u0dbb"),
        ("\u200d", "\U0001f469", "\U0001f680"),
    ],
)
@pytest.mark.parametrize("times", [2, 3, 50])
def test_a_needed_joiner_that_is_entered_several_times_is_kept_once(
    joiner: str, before: str, after: str, times: int
) -> None:
    name = f"{before}{joiner}{after}"
    assert name_in_nfc(name) == name
    assert name_in_nfc(f"{before}{joiner * times}{after}") == name


@pytest.mark.parametrize(
    "ignorable",
    ["\u00ad", "\u034f", "\u115f", "\u180b", "\u180e", "\u200b", "\u200c", "\u200d", "\u2060", "\u2064", "\u3164",
     "\ufe00", "\ufe0f", "\ufeff", "\uffa0", "\ufffb", "\U0001d173", "\U000e0041", "\U000e0100", "\u200c\u200d",
     "\u2065\ufff0"],
)  # fmt: skip
def test_a_character_that_shows_nothing_makes_no_other_name(ignorable: str) -> None:
    for entered in (
        f"Jos\u00e9{ignorable}",
        f"{ignorable}Jos\u00e9",
        f"Jo{ignorable}se\u0301",
        f"Jose{ignorable}\u0301",
    ):
        assert name_in_nfc(entered) == "Jos\u00e9"
    assert name_in_nfc(f"\u674e\u200b{ignorable}\u5a1c") == "\u674e\u5a1c"


def test_marks_that_only_a_removed_character_holds_apart_are_in_a_row() -> None:
    marks = "\u0301" * COMBINING_MAX
    with pytest.raises(Problem):
        name_in_nfc(f"a{marks}\u200b{marks}")


NAME_PARTS = st.sampled_from([*"a1 \u0301\u00ad\u200b\u200c\u200d\ufe0f\u180b\u20e3", PERSIAN[0], "\u0dca",
                              "\u2764", "\u845b", "\U0001f3f4", "\U000e0100", FLAG_OF_SCOTLAND, "\u2260",
                              "\u0338", "="])  # fmt: skip


@given(st.one_of(st.text(max_size=20), st.lists(NAME_PARTS, max_size=12).map("".join)))
def test_a_name_that_is_accepted_is_accepted_again_and_stays_as_it_is(entered: str) -> None:
    try:
        name = name_in_nfc(entered)
    except Problem:
        return
    assert name_in_nfc(name) == name


def test_a_joiner_before_what_is_cut_off_at_the_end_goes_too() -> None:
    assert name_in_nfc("\u0620\u200c\u2800") == name_in_nfc("\u0620\u200c\u00ad ") == "\u0620"


def test_a_name_is_kept_in_nfc_and_without_white_space_at_its_ends() -> None:
    assert name_in_nfc("\u3000 Jose\u0301\u00a0\u2800\r\n") == "Jos\u00e9"
    assert name_in_nfc("e\u0301" * NAME_MAX) == "\u00e9" * NAME_MAX


INVISIBLE = [
    "", " ", "\t\n", "\u00a0", "\u3000", "\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180e", "\u200b",
    "\u200c", "\u200d", "\u2060", "\u2063", "\u2800", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\U0001d159",
    "\U000e0020", "\U000e0100", "\u2065", "\ufff0", "\U000e0fff", "\u0301", "\ue000", "\u200b \u2060\u3164",
]  # fmt: skip
REORDERING = ["\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x2070))]
CONTROL = ["\0", "\a", "\n", "\x1b[2J", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ud800"]


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_name_has_a_visible_character(name: str) -> None:
    with pytest.raises(Problem) as caught:
        name_in_nfc(name, "autonym")
    assert [(error.field, error.code) for error in caught.value.errors] == [("autonym", "invalid")]


@pytest.mark.parametrize("part", [*REORDERING, *CONTROL])
def test_a_name_has_no_control_character_and_none_that_reorders_text(part: str) -> None:
    with pytest.raises(Problem):
        name_in_nfc(f"Ada{part}Lovelace")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Jos\u00e9", "JOSE\u0301"), ("stra\u00dfe", "STRASSE"), ("\u0395\u03a3", "\u03b5\u03c2"), ("\u0130", "i\u0307")],
)
def test_texts_are_compared_without_case_and_in_one_normalisation_form(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@given(st.text(max_size=20))
def test_the_folded_form_of_a_text_is_that_of_each_of_its_forms(text: str) -> None:
    forms = {unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text), folded(text)}
    assert {folded(form) for form in forms} == {folded(text)}


@pytest.mark.parametrize(
    ("text", "cased"),
    [
        ("pt-br", "pt-BR"), ("ZH-HANT-tw", "zh-Hant-TW"), ("DE-1996", "de-1996"), ("x-AB-CDEF", "x-ab-cdef"),
        ("en-u-CA-GREGORY-x-AB", "en-u-ca-gregory-x-ab"), ("", ""), ("-", "-"), ("de--at", "de--AT"),
        ("\u212ao", "\u212ao"), ("DE\0", "de\0"), ("\u0130d", "\u0130d"),
    ],
)  # fmt: skip
def test_a_language_tag_is_brought_into_its_conventional_case(text: str, cased: str) -> None:
    assert conventional_case(text) == cased


@given(st.text(max_size=20))
def test_nothing_but_the_case_of_ascii_letters_changes(text: str) -> None:
    cased = conventional_case(text)
    assert cased.lower() == text.lower()
    assert conventional_case(cased) == cased
