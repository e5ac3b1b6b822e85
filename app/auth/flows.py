"""Flows: who asked for a one-time code. The code works only together with the flow of the request that asked for it.

So a stranger who asks for a code of somebody else's address neither voids the owner's code nor spends its attempts
(OWASP ASVS 5.0, 6.6.2).
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from app.secret_key import SecretKey

# The names of the cookies begin with it.
NAME = "auth_flow"
RANDOM_BYTES = 16
TIME_BYTES = 4
TAG_BYTES = 16
_FORM = re.compile(r"[A-Za-z0-9_-]{48}", re.ASCII)
# The purpose under which `SecretKey.derive` makes the keys of the tags.
TAG_KEYS = "flows"


class Flow(Struct, frozen=True):
    """A flow that this service has made for an address and purpose.

    `text` is what clients send; each request for a code in the flow renews it. `hash` stays, and is what is stored.
    """

    text: str
    hash: str
    expires_at: datetime

    def is_live(self, now: datetime) -> bool:
        """Whether a code of the request that this text answered can still work."""
        return now < self.expires_at

    def __repr__(self) -> str:
        return "Flow(…)"


def cookie_name(purpose: str) -> str:
    """The name of the cookie with the flow of a purpose: a browser can be in a flow of each purpose."""
    return f"{NAME}_{purpose}"


def continued_or_new(secret_key: SecretKey, sent: str | None, address: str, purpose: str, expires_at: datetime) -> Flow:
    """The flow that a client sent, renewed, if this service has made it for this normalised address and purpose; else a
    new one.

    The text of a flow has 128 random bits, the time at which it expires, and a tag that tells that this service has
    made it for this address and purpose. No value of a client's is adopted.
    """
    made = _decode(secret_key, sent, address, purpose) if sent else None
    random = made[:RANDOM_BYTES] if made else secrets.token_bytes(RANDOM_BYTES)
    tagged = random + int(expires_at.timestamp()).to_bytes(TIME_BYTES)
    return _flow(tagged + _tag(secret_key.derive(TAG_KEYS)[0], tagged, address, purpose))


def read_flow(secret_key: SecretKey, sent: str, address: str, purpose: str) -> Flow | None:
    """The flow that a client sent, live or expired, if this service has made it for this normalised address and
    purpose; else None."""
    made = _decode(secret_key, sent, address, purpose)
    return _flow(made) if made else None


def latest_flow(secret_key: SecretKey, sent: Sequence[str], address: str, purpose: str) -> str | None:
    """The text among `sent` that `read_flow` accepts, the one that expires last if it accepts several; else the first.

    None without texts.
    """
    own = [flow for text in sent if (flow := read_flow(secret_key, text, address, purpose))]
    if own:
        return max(own, key=lambda flow: flow.expires_at).text
    return sent[0] if sent else None


def _flow(made: bytes) -> Flow:
    expires_at = datetime.fromtimestamp(int.from_bytes(made[RANDOM_BYTES:-TAG_BYTES]), UTC)
    return Flow(urlsafe_b64encode(made).decode(), hashlib.sha256(made[:RANDOM_BYTES]).hexdigest(), expires_at)


def _decode(secret_key: SecretKey, sent: str, address: str, purpose: str) -> bytes | None:
    """The bytes of a flow, if this service has made it for this address and purpose."""
    if _FORM.fullmatch(sent) is None:
        return None
    decoded = urlsafe_b64decode(sent)
    tagged, tag = decoded[:-TAG_BYTES], decoded[-TAG_BYTES:]
    is_own = any(hmac.compare_digest(_tag(key, tagged, address, purpose), tag) for key in secret_key.derive(TAG_KEYS))
    return decoded if is_own else None


def _tag(key: bytes, tagged: bytes, address: str, purpose: str) -> bytes:
    return hmac.digest(key, tagged + f"{purpose}\0{address}".encode(), "sha256")[:TAG_BYTES]
