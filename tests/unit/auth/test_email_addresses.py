"""Normalising email addresses: all spellings of an address have one unique form, and look-alikes are refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.auth.email_addresses import MAX_LENGTH, normalise
from app.errors import Problem

examples = settings(max_examples=150, deadline=None)
locals_ = st.from_regex(r"[A-Za-z0-9._%+-]{1,20}", fullmatch=True)
labels = st.sampled_from(["example", "Example", "xn--bcher-kva", "bücher", "BÜCHER", "org", "ORG", "b\u0075\u0308cher"])
addresses = st.builds(lambda local, parts: f"{local}@{'.'.join(parts)}", locals_, st.lists(labels, min_size=2))


@pytest.mark.parametrize(
    ("raw", "written", "unique"),
    [
        ("ada@example.org", "ada@example.org", "ada@example.org"),
        ("  Ada.Lovelace@Example.ORG ", "Ada.Lovelace@example.org", "ada.lovelace@example.org"),
        ("ada+news@example.org", "ada+news@example.org", "ada+news@example.org"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example", "ada@bücher.example"),
        ("ada@BÜCHER.example", "ada@bücher.example", "ada@bücher.example"),
        ("J\u0075\u0308rgen@example.org", "J\u00fcrgen@example.org", "j\u00fcrgen@example.org"),
        ("用户@example.org", "用户@example.org", "用户@example.org"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
        (f"{'ü' * 32}@example.org", f"{'ü' * 32}@example.org", f"{'ü' * 32}@example.org"),
        ("ada@mail.test", "ada@mail.test", "ada@mail.test"),
    ],
)
def test_an_address_is_kept_as_written_and_has_one_unique_form(raw: str, written: str, unique: str) -> None:
    assert normalise(raw) == (written, unique)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "ada",
        "ada@",
        "@example.org",
        "ada@@example.org",
        "ada@example",
        "ada@-example.org",
        "ada@[192.0.2.1]",
        "ada lovelace@example.org",
        '"ada"@example.org',
        "Ada <ada@example.org>",
        "ada@example.org,eve@example.org",
        "ada@example\u3002org",
        "ada@example.org\r\nBcc: eve@example.org",
        "\tada@example.org",
        "ada\0@example.org",
        "ada\u200b@example.org",
        "ada\u202e@example.org",
        "ada\u00ad@example.org",
        "ada\ud800@example.org",
        "ada\u00a0@example.org",
        "ada\uff20example.org",
        "\uff41da@example.org",
        "\ufb01sh@example.org",
        f"ada@{'a.' * 126}org",
        f"{'a' * 65}@example.org",
        f"{'ü' * 33}@example.org",
        f"{'İ' * 32}@example.org",
        "ada@mail.localhost",
        "ada@mail.invalid",
        "a" * 100_000,
    ],
)
def test_invalid_and_look_alike_addresses_are_refused(raw: str) -> None:
    with pytest.raises(Problem) as raised:
        normalise(raw, "invitee")
    assert [(error.field, error.code) for error in raised.value.errors] == [("invitee", "invalid_email")]


@examples
@given(addresses | st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"{text}@example.org"))
def test_normalising_raises_a_problem_or_is_idempotent(raw: str) -> None:
    try:
        address = normalise(raw)
    except Problem:
        return
    assert normalise(address.unique).unique == address.unique
    assert normalise(address.written) == address
    assert len(address.unique) <= MAX_LENGTH
    assert address.unique == address.unique.lower()


@examples
@given(locals_, st.sampled_from(["example.org", "bücher.example"]))
def test_upper_and_lower_case_have_the_same_unique_form(local: str, domain: str) -> None:
    raw = f"{local}@{domain}"
    try:
        address = normalise(raw)
    except Problem:
        return
    assert normalise(raw.upper()).unique == normalise(raw.lower()).unique == address.unique
