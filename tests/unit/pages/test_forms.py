"""Forms are decoded into the Structs of the JSON routes, by their rules."""

from typing import Annotated

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from app.errors import Problem
from app.pages.html.forms import Form


class Sent(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A body with a field of each kind."""

    text: Annotated[str, Meta(max_length=5)]
    may_be_null: str | None = None
    may_be_absent: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    is_on: bool = False
    number: int = 0
    roles: list[str] = []


def refused(form: Form) -> dict[str, str]:
    with pytest.raises(Problem) as raised:
        form.decode(Sent)
    return {error.field: error.code for error in raised.value.errors}


def test_each_kind_of_field_has_its_value() -> None:
    fields = {
        "text": ["a"],
        "mayBeNull": [""],
        "mayBeAbsent": ["b"],
        "isOn": ["on"],
        "number": ["12"],
        "roles": ["admin", "translator"],
    }
    assert Form(fields).decode(Sent) == Sent("a", None, "b", is_on=True, number=12, roles=["admin", "translator"])


def test_what_a_form_leaves_out_has_its_default() -> None:
    assert Form({"text": ["a"]}).decode(Sent) == Sent("a")


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, {"text": "missing"}),
        ({"text": [""]}, {"text": "missing"}),
        ({"text": ["123456"]}, {"text": "too_long"}),
        ({"text": ["a", "b"]}, {"text": "duplicate"}),
        ({"text": ["a\0"]}, {"text": "invalid_character"}),
        ({"text": ["a"], "mayBeAbsent": [""]}, {"mayBeAbsent": "too_short"}),
        ({"text": ["a"], "number": ["many"]}, {"number": "wrong_type"}),
        ({"text": ["a"], "other": ["b"]}, {"other": "unknown_field"}),
    ],
)
def test_bad_values_have_the_codes_of_the_api(fields: dict[str, list[str]], errors: dict[str, str]) -> None:
    assert refused(Form(fields)) == errors


def test_of_several_buttons_only_the_named_fields_count() -> None:
    assert Form({"text": ["a"], "secret": ["b"]}).decode(Sent, only=("text",), number=3) == Sent("a", number=3)


def test_secrets_are_never_shown_again() -> None:
    assert Form({"email": ["a"], "secret": ["b"], "code": ["c"], "token": ["d"]}).shown == {"email": ["a"]}
