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
