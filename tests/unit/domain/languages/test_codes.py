"""BCP 47 tags: one canonical form for every spelling, and the autonym and text direction of a tag."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.languages.codes import MAX_LENGTH, autonym_of, canonical, direction_of
from app.errors import Problem


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
    ],
)
def test_every_spelling_of_a_tag_has_one_canonical_form(tag: str, code: str) -> None:
    assert canonical(tag) == code


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
    [("de", "Deutsch"), ("he", "עברית"), ("pt-BR", "português (Brasil)"), ("aaa", "Ghotuo")],
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
