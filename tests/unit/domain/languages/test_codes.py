"""BCP 47 tags: one canonical form for every spelling, and the autonym and text direction of a tag."""

import pytest
from babel.core import get_global
from hypothesis import given, settings
from hypothesis import strategies as st
from langcodes.registry_parser import parse_registry

from app.domain.languages.codes import (
    MAX_LENGTH,
    RIGHT_TO_LEFT,
    autonym_of,
    canonical,
    direction_of,
    registry_entries,
)
from app.errors import Problem

# The languages of the IANA registry, each with what the registry says about it; no ranges for private use.
ENTRIES = [
    entry
    for entry in registry_entries()
    if entry["Type"] == "language" and ".." not in entry["Subtag"] and entry["Subtag"] != "und"
]
REGISTERED = [entry["Subtag"] for entry in ENTRIES]


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("PT-br", "pt-BR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("sr-latn", "sr-Latn"),
        ("iw", "he"),
        ("in", "id"),
        ("deu", "de"),
        ("en-us", "en-US"),
        ("es-419", "es-419"),
        ("de-1996", "de-1996"),
        ("sgn-us", "ase"),
        ("de-de", "de-DE"),
        ("ger", "de"),
        ("hbs", "sh"),
        ("i-klingon", "tlh"),
        ("en-gb-oed", "en-GB-oxendict"),
        ("zh-yue-hk", "yue-HK"),
        ("zh-cmn-hans", "cmn-Hans"),
        ("sgn-ase", "ase"),
        ("de-bu", "de-MM"),
        ("en-b-ccc-A-DDD-x-YY-zzzz", "en-a-ddd-b-ccc-x-yy-zzzz"),
        ("QAA-qaaa-qm", "qaa-Qaaa-QM"),
        ("X-Ours-AA", "x-ours-aa"),
    ],
)
def test_every_spelling_of_a_tag_has_one_canonical_form(tag: str, code: str) -> None:
    assert canonical(tag) == code


@pytest.mark.parametrize("tag", ["cnr", "tl", "sh", "prs", "fil", "arb", "cmn", "zsm", "de-Latn", "sr-ME", "fa-AF"])
def test_a_language_does_not_become_another_one(tag: str) -> None:
    assert canonical(tag) == tag


def test_every_registered_language_has_a_canonical_form_that_is_its_own() -> None:
    forms = {subtag: canonical(subtag) for subtag in REGISTERED}
    assert {subtag: code for subtag, code in forms.items() if canonical(code.upper()) != code} == {}
    # Other registered languages are codes that the registry has replaced, such as `iw`.
    replaced = {subtag: code for subtag, code in forms.items() if subtag != code}
    assert replaced == {entry["Subtag"]: entry["Preferred-Value"] for entry in ENTRIES if "Preferred-Value" in entry}


@pytest.mark.parametrize("tag", ["ajs", "isv", "oak", "zhk", "de-Berf"])
def test_a_language_that_was_registered_after_2021_is_known(tag: str) -> None:
    assert canonical(tag) == tag


def test_the_registry_knows_every_subtag_that_an_older_one_has_known() -> None:
    older = parse_registry()  # type: ignore[no-untyped-call] # the module has no annotations
    known = {(entry["Type"], entry.get("Subtag"), entry.get("Tag")) for entry in registry_entries()}
    assert {(entry["Type"], entry.get("Subtag"), entry.get("Tag")) for entry in older} - known == set()


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "d",
        "german",
        "qq",
        "de_DE",
        "de-",
        "-de",
        "de--AT",
        "de-XX-YY",
        "de-1996-1996",
        "de-yue",
        "zh-yue-yue",
        "en-a-bbb-a-ccc",
        "en-UK",
        "qaa-QL",
        "de-Wxyz",
        "und",
        "de AT",
        "de\n",
        "dé",
        "\u0663\u0664",
        "\uff44\uff45",
        "../de",
        "de-x-" + "a" * 40,
        "x" * 10_000,
    ],
)
def test_an_invalid_tag_is_refused(tag: str) -> None:
    with pytest.raises(Problem) as raised:
        canonical(tag, "language")
    assert [(error.field, error.code) for error in raised.value.errors] == [("language", "invalid_language_tag")]


subtags = st.sampled_from(["de", "PT", "zh", "Hant", "arab", "br", "419", "1996", "x", "a", "u-ca-buddhist", "", "_"])


@settings(max_examples=300, deadline=None)
@given(st.lists(subtags, max_size=4).map("-".join) | st.text(max_size=12))
def test_canonicalising_raises_a_problem_or_is_idempotent(tag: str) -> None:
    try:
        code = canonical(tag)
    except Problem:
        return
    assert canonical(code) == code
    assert canonical(tag.upper()) == code
    assert len(code) <= MAX_LENGTH


@pytest.mark.parametrize(
    ("code", "autonym"),
    [
        ("de", "Deutsch"),
        ("he", "עברית"),
        ("pt-BR", "português (Brasil)"),
        ("aaa", "Ghotuo"),
        ("cnr", "Montenegrin"),
        ("prs", "Dari"),
        ("ajs", "Algerian Jewish Sign Language"),
    ],
)
def test_the_autonym_is_the_name_of_a_language_in_that_language(code: str, autonym: str) -> None:
    assert autonym_of(code) == autonym


def test_the_autonym_of_a_language_without_a_known_name_is_its_code() -> None:
    assert autonym_of("x-ours") == "x-ours"


@pytest.mark.parametrize(
    ("code", "direction"),
    [
        ("de", "ltr"), ("zh-Hant", "ltr"), ("he", "rtl"), ("ar", "rtl"), ("yi", "rtl"), ("ur", "rtl"), ("dv", "rtl"),
        ("az", "ltr"), ("az-Arab", "rtl"), ("ku-Latn", "ltr"), ("ckb", "rtl"), ("ff-Adlm", "rtl"), ("x-ours", "ltr"),
    ],
)  # fmt: skip
def test_the_direction_follows_from_the_script(code: str, direction: str) -> None:
    assert direction_of(code) == direction


@pytest.mark.parametrize("code", ["hbo", "syc", "aii", "azb", "acm", "afb", "prs", "pnb", "arb", "pes", "lad", "yud"])
def test_a_language_that_few_speak_or_spoke_has_the_direction_of_its_script(code: str) -> None:
    assert direction_of(code) == "rtl"
    assert direction_of(f"{code}-Latn") == "ltr"


@pytest.mark.parametrize(
    ("code", "direction"), [("otk", "rtl"), ("pa", "ltr"), ("pa-PK", "rtl"), ("az-IR", "rtl"), ("kk-CN", "rtl")]
)
def test_the_region_tells_the_script_of_a_language_that_has_several(code: str, direction: str) -> None:
    assert direction_of(code) == direction


def test_every_language_that_is_usually_written_from_right_to_left_has_that_direction() -> None:
    likely = {language: tag.split("_")[1] for language, tag in get_global("likely_subtags").items()}
    own = {entry["Subtag"]: likely.get(entry["Subtag"]) for entry in ENTRIES}
    of_macrolanguage = {entry["Subtag"]: likely.get(entry.get("Macrolanguage", "")) for entry in ENTRIES}
    expected = {subtag for subtag in REGISTERED if (own[subtag] or of_macrolanguage[subtag]) in RIGHT_TO_LEFT}
    assert {subtag for subtag in REGISTERED if direction_of(subtag) == "rtl"} == expected
    suppressed = {entry["Subtag"] for entry in ENTRIES if entry.get("Suppress-Script") in RIGHT_TO_LEFT}
    arabic = {entry["Subtag"] for entry in ENTRIES if entry.get("Macrolanguage") in {"ar", "fa", "lah", "ps"}}
    in_other_scripts = {"acy", "pga"}  # Cypriot Arabic, Sudanese Creole Arabic
    assert (suppressed | arabic) - in_other_scripts <= expected
    assert len(expected) > 200
