"""Tokens and codes: their form, their randomness, and the hashes that are stored."""

import hashlib

import pytest

from app.auth.tokens import (
    code_hash,
    is_link_token,
    is_session_token,
    new_code,
    new_link_token,
    new_session_token,
    pasted_code,
    pasted_link_token,
    token_hash,
)

KEY = b"a key of the server that is long enough"


def test_a_session_token_is_its_prefix_and_32_random_bytes() -> None:
    tokens = {new_session_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) == len("ost_") + 43 and is_session_token(token) for token in tokens)


def test_a_session_token_is_not_a_link_token_nor_the_reverse() -> None:
    assert not is_link_token(new_session_token())
    assert not is_session_token(new_link_token())
    assert is_link_token(new_link_token())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ost_",
        "ost_" + "a" * 42,
        "ost_" + "a" * 44,
        "OST_" + "a" * 43,
        "ost_" + "a" * 42 + "=",
        "ost_" + "a" * 43 + "\n",
        " ost_" + "a" * 43,
        "ost_" + "é" * 43,
        "ost_" + "٣" * 43,
    ],
)
def test_a_value_of_another_form_is_not_a_token(value: str) -> None:
    assert not is_session_token(value)
    assert not is_link_token(value.replace("ost_", "osk_"))


def test_a_code_has_8_digits_and_may_start_with_0() -> None:
    codes = [new_code() for _ in range(2000)]
    assert all(len(code) == 8 and code.isascii() and code.isdigit() for code in codes)
    assert any(code.startswith("0") for code in codes)


def test_the_hash_of_a_token_is_its_sha_256() -> None:
    token = new_session_token()
    assert token_hash(token) == hashlib.sha256(token.encode()).digest()


def test_the_hash_of_a_code_depends_on_key_address_and_purpose() -> None:
    bound = {"address": "ada@example.org", "purpose": "sign_in", "code": "01234567"}
    stored = code_hash(KEY, **bound)
    others = [
        code_hash(b"another key", **bound),
        code_hash(KEY, **{**bound, "address": "eve@example.org"}),
        code_hash(KEY, **{**bound, "purpose": "password_reset"}),
        code_hash(KEY, **{**bound, "code": "01234568"}),
    ]
    assert len({stored, *others}) == 5
    assert code_hash(KEY, **bound) == stored
    assert "01234567" not in stored


@pytest.mark.parametrize(
    "text",
    [
        "01234567",
        "0123 4567",
        " 01234567\r\n",
        "0123-4567",
        "0123\u20134567",
        "0123\u00a04567",
        "01\u200923\u202f45\u300067",
        "\u200b0123\u20604567\ufeff",
        "\u2066\u200e01234567\u2069",
        "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
        "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        "\u06f0\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7",
    ],
)
def test_a_code_is_read_as_people_paste_it(text: str) -> None:
    assert pasted_code(text) == "01234567"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0123456",
        "012345678",
        "0123.4567",
        "0123,4567",
        "+01234567",
        "0123456a",
        "0123456\u00b2",
        "0123456\u2466",
        "\0" * 8,
    ],
)
def test_text_that_is_not_eight_digits_is_no_code(text: str) -> None:
    assert pasted_code(text) is None


def test_the_token_of_a_link_is_read_without_the_white_space_around_it() -> None:
    token = new_link_token()
    assert [pasted_link_token(text) for text in (token, f"  {token}\r\n", f"\u00a0{token}\t")] == [token] * 3
    assert pasted_link_token(f"{token[:20]} {token[20:]}") is None
    assert pasted_link_token(new_session_token()) is None
