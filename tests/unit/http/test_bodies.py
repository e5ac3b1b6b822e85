"""JSON bodies are decoded strictly, and every unacceptable value is listed with its path."""

import json
from collections.abc import Callable
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType

from app.errors import Problem
from app.http.bodies import decode
from app.http.body_errors import ERRORS_MAX, SHOWN_NAME_MAX
from app.http.problems import render


class Address(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A nested object."""

    post_code: Annotated[str, Meta(min_length=2, max_length=5)]
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "DE"


class Person(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A body with a field of every kind."""

    full_name: str
    kind: Literal["adult", "child"]
    address: Address
    age: int | None = None
    nicknames: list[str] = []
    notes: dict[str, str | float] = {}
    email: str | UnsetType = UNSET


class Household(Struct, frozen=True, forbid_unknown_fields=True):
    """A body with lists of objects."""

    people: Annotated[list[Person], Meta(min_length=1, max_length=3)]
    addresses: list[Address] = []


class Tagged(Struct, frozen=True, forbid_unknown_fields=True, tag="a"):
    """A body that names its own type."""

    size: int


VALID = {"fullName": "Ada", "kind": "adult", "address": {"postCode": "12345"}}


def refusal(body: object) -> dict[str, str]:
    """The error codes of the 422 for the body, by field."""
    with pytest.raises(Problem) as raised:
        decode(body if isinstance(body, bytes) else json.dumps(body).encode(), Person)
    assert raised.value.code == "validation_failed"
    return {error.field: error.code for error in raised.value.errors}


def test_an_acceptable_body_is_decoded_into_its_type() -> None:
    body = {**VALID, "age": 36, "nicknames": ["Countess"], "notes": {"height": 1.6}}
    assert decode(json.dumps(body).encode(), Person) == Person(
        full_name="Ada", kind="adult", address=Address("12345"), age=36, nicknames=["Countess"], notes={"height": 1.6}
    )


def test_every_error_is_listed_with_its_path() -> None:
    body = {"fullName": 1, "address": {"postCode": "1", "country": "de", "street": "x"}, "age": "36", "extra": None}
    assert refusal(body) == {
        "extra": "unknown_field",
        "fullName": "wrong_type",
        "kind": "missing",
        "address.street": "unknown_field",
        "address.postCode": "too_short",
        "address.country": "invalid",
        "age": "wrong_type",
    }


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"fullName": None}, {"fullName": "wrong_type"}),
        ({"full_name": "Ada"}, {"full_name": "unknown_field"}),
        ({"age": True}, {"age": "wrong_type"}),
        ({"age": 36.5}, {"age": "wrong_type"}),
        ({"kind": "robot"}, {"kind": "invalid"}),
        ({"email": None}, {"email": "wrong_type"}),
        ({"address": []}, {"address": "wrong_type"}),
        ({"address": None}, {"address": "wrong_type"}),
        ({"address": {}}, {"address.postCode": "missing"}),
        ({"address": {"postCode": "123456"}}, {"address.postCode": "too_long"}),
        ({"nicknames": ["Countess", 1]}, {"nicknames": "wrong_type"}),
        ({"nicknames": "Countess"}, {"nicknames": "wrong_type"}),
        ({"type": "a"}, {"type": "unknown_field"}),
    ],
)
def test_nothing_is_coerced_and_nothing_unknown_is_ignored(changed: dict[str, object], errors: dict[str, str]) -> None:
    assert refusal({**VALID, **changed}) == errors


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1"])
def test_a_body_that_is_not_an_object_is_of_the_wrong_type(body: bytes) -> None:
    assert refusal(body) == {"": "wrong_type"}


@pytest.mark.parametrize("character", ["\0", "a\0b", "\ud800", "\udc00\ud83d"])
@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("fullName", lambda text: {"fullName": text}),
        ("kind", lambda text: {"kind": text}),
        ("address.postCode", lambda text: {"address": {"postCode": text}}),
        ("nicknames", lambda text: {"nicknames": ["Countess", text]}),
        ("notes", lambda text: {"notes": {"a": text}}),
        ("notes", lambda text: {"notes": {text: "a"}}),
    ],
)
def test_text_that_postgresql_cannot_store_is_refused_in_every_place(
    field: str, place: Callable[[str], dict[str, object]], character: str
) -> None:
    assert refusal({**VALID, **place(character)}) == {field: "invalid_character"}


def test_an_escaped_backslash_before_u0000_is_plain_text() -> None:
    body = json.dumps({**VALID, "fullName": r"\u0000"}).encode()
    assert decode(body, Person).full_name == r"\u0000"


def test_a_paired_surrogate_is_one_character() -> None:
    assert decode(json.dumps({**VALID, "fullName": "\U0001f994"}).encode(), Person).full_name == "\U0001f994"


def test_the_name_of_an_unknown_field_is_shortened_and_encodable() -> None:
    [name] = refusal({**VALID, "\ud800" * 500: 1})
    assert name == "?" * SHOWN_NAME_MAX


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b'{"fullName": NaN}',
        b'{"fullName": Infinity}',
        b'{"fullName": "\x00"}',
        b'{"fullName": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"{'fullName': 'Ada'}",
        b'{"fullName": "Ada",}',
    ],
)
def test_bytes_that_are_not_one_json_value_in_utf8_are_malformed(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        decode(body, Person)
    assert raised.value.code == "malformed_json"


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [*range(50, 1500, 50), 10_000])
def test_nesting_of_any_depth_is_refused_with_a_problem(opening: str, depth: int) -> None:
    closing = "]" if opening == "[" else "1}"
    body = f'{{"fullName": {opening * depth}{closing[:-1]}{closing[-1] * depth}}}'.encode()
    with pytest.raises(Problem) as raised:
        decode(body, Person)
    assert raised.value.code in ("malformed_json", "validation_failed")


def test_an_error_without_a_path_is_an_error_of_the_whole_body() -> None:
    with pytest.raises(Problem) as raised:
        decode(b'{"type": "b", "size": 1}', Tagged)
    assert [(error.field, error.code) for error in raised.value.errors] == [("", "invalid")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
near_misses = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("fullName", "kind", "address", "age", "nicknames", "notes", "extra"), json_values)
).map(lambda changed: {**VALID, **changed})


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | (json_values | near_misses).map(lambda value: json.dumps(value).encode()))
def test_decoding_gives_the_type_or_a_problem_that_can_be_rendered(raw: bytes) -> None:
    try:
        outcome: Person | Problem = decode(raw, Person)
    except Problem as problem:
        outcome = problem
    assert isinstance(outcome, Person) or (render(outcome) and bool(outcome.errors) == (outcome.kind.status == 422))


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"people": [VALID, {**VALID, "age": "36", "x": 1}, {}]},
         {"people.1.x": "unknown_field", "people.1.age": "wrong_type", "people.2.fullName": "missing",
          "people.2.kind": "missing", "people.2.address": "missing"}),
        ({"people": [VALID, 1]}, {"people.1": "wrong_type"}),
        ({"people": [{**VALID, "address": {"postCode": "1\0"}}]}, {"people.0.address.postCode": "invalid_character"}),
        ({"people": VALID}, {"people": "wrong_type"}),
        ({"people": []}, {"people": "too_short"}),
        ({"people": [{}] * 4}, {"people": "too_long"}),
        ({"people": [VALID], "addresses": [{}, {"postCode": "12"}]}, {"addresses.0.postCode": "missing"}),
    ],
)  # fmt: skip
def test_every_error_of_an_item_of_a_list_is_listed_with_its_path(
    body: dict[str, object], errors: dict[str, str]
) -> None:
    with pytest.raises(Problem) as raised:
        decode(json.dumps(body).encode(), Household)
    assert {error.field: error.code for error in raised.value.errors} == errors


def test_the_number_of_errors_in_an_answer_is_bounded() -> None:
    raw = json.dumps({f"x{number}": 1 for number in range(2 * ERRORS_MAX)}).encode()
    with pytest.raises(Problem) as raised:
        decode(raw, Person)
    assert len(raised.value.errors) == ERRORS_MAX
