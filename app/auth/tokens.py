"""Tokens and codes: drawn from the operating system's generator, stored only as hashes.

A token of 256 random bits needs no slow hash (OWASP ASVS 5.0, 6.5.2: from 112 bits a plain one is enough). A fast
hash of an eight-digit code can be reversed by trying all codes, so the hash has a key outside the database.
"""

import hashlib
import hmac
import re
import secrets
from unicodedata import category, decimal

SESSION_PREFIX = "ost_"
LINK_PREFIX = "osk_"
# Scanners for secrets in public code find keys by their prefix.
API_KEY_PREFIX = "ost_key_"
TOKEN_BYTES = 32
CODE_DIGITS = 8

_BODY = r"[A-Za-z0-9_-]{43}"
_CODE = re.compile(rf"[0-9]{{{CODE_DIGITS}}}", re.ASCII)
# Dashes, and format characters such as the zero-width space.
_NOT_PART_OF_CODE = frozenset({"Pd", "Cf"})
_SESSION_TOKEN = re.compile(SESSION_PREFIX + _BODY, re.ASCII)
_LINK_TOKEN = re.compile(LINK_PREFIX + _BODY, re.ASCII)
_API_KEY = re.compile(API_KEY_PREFIX + _BODY, re.ASCII)


def new_session_token() -> str:
    """A session token: `ost_` and 32 random bytes in base64url."""
    return SESSION_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def new_link_token() -> str:
    """The token of a one-time link: `osk_` and 32 random bytes in base64url."""
    return LINK_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def new_api_key() -> str:
    """The token of an API key: `ost_key_` and 32 random bytes in base64url. No session token is as long."""
    return API_KEY_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def new_code() -> str:
    """A one-time code of eight digits (26.6 bits; OWASP ASVS 5.0, 6.5.4)."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def is_session_token(value: str) -> bool:
    """Whether `value` has the form of a session token. Other text is refused without a query."""
    return _SESSION_TOKEN.fullmatch(value) is not None


def is_api_key(value: str) -> bool:
    """Whether `value` has the form of an API key."""
    return _API_KEY.fullmatch(value) is not None


def is_link_token(value: str) -> bool:
    """Whether `value` has the form of a link token."""
    return _LINK_TOKEN.fullmatch(value) is not None


def pasted_code(text: str) -> str | None:
    """The digits of a code as people type and paste it; None if `text` is not a code.

    White space, hyphens and invisible characters count for nothing. Decimal digits of every script are digits.
    """
    shown = (
        character for character in text if not character.isspace() and category(character) not in _NOT_PART_OF_CODE
    )
    digits = "".join(str(decimal(character, character)) for character in shown)
    return digits if _CODE.fullmatch(digits) else None


def pasted_link_token(text: str) -> str | None:
    """The token of a link as people paste it, without the white space around it; None if `text` is no such token."""
    token = text.strip()
    return token if is_link_token(token) else None


def token_hash(token: str) -> bytes:
    """The stored hash of a token: SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def code_hash(key: bytes, *, address: str, purpose: str, code: str) -> str:
    """The stored hash of a code: HMAC-SHA-256 in hex, bound to its address and purpose."""
    message = "\0".join((purpose, address, code)).encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()
