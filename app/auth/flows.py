"""Flows: who asked for a one-time code. The code works only together with the flow of the request that asked for it.

So a stranger who asks for a code of somebody else's address neither voids the owner's code nor spends its attempts
(OWASP ASVS 5.0, 6.6.2).
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from app.auth.tokens import token_hash
from app.secret_key import SecretKey

NAME = "auth_flow"
RANDOM_BYTES = 16
TAG_BYTES = 16
_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
# The purpose under which `SecretKey.derive` makes the keys of the tags.
TAG_KEYS = "flows"


def new_flow(secret_key: SecretKey, address: str, purpose: str) -> str:
    """A new flow: 128 random bits, and a tag that tells that this service has made it for this normalised address and
    purpose, in base64url."""
    random = secrets.token_bytes(RANDOM_BYTES)
    return _encode(random + _tag(secret_key.derive(TAG_KEYS)[0], random, address, purpose))


def continued_or_new(secret_key: SecretKey, sent: str | None, address: str, purpose: str) -> str:
    """The flow that a client sent, if this service has made it for this address and purpose; else a new one.

    No value of a client's is adopted.
    """
    if sent is not None and is_own(secret_key, sent, address, purpose):
        return sent
    return new_flow(secret_key, address, purpose)


def flow_hash(flow: str) -> str:
    """The stored hash of a flow: SHA-256 in hex."""
    return token_hash(flow).hex()


def is_own(secret_key: SecretKey, sent: str, address: str, purpose: str) -> bool:
    """Whether this service has made the flow for this normalised address and purpose."""
    if _FORM.fullmatch(sent) is None:
        return False
    decoded = urlsafe_b64decode(f"{sent}=")
    random = decoded[:RANDOM_BYTES]
    # Decoding ignores the last two bits of the text: two texts of one flow would be two flows.
    return _encode(decoded) == sent and any(
        hmac.compare_digest(_tag(key, random, address, purpose), decoded[RANDOM_BYTES:])
        for key in secret_key.derive(TAG_KEYS)
    )


def _tag(key: bytes, random: bytes, address: str, purpose: str) -> bytes:
    return hmac.digest(key, random + f"{purpose}\0{address}".encode(), "sha256")[:TAG_BYTES]


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
