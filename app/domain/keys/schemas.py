"""What the keys' routes take and give."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from app.auth.tokens import LINK_PREFIX

EXAMPLE_TOKEN = f"{LINK_PREFIX}{'A' * 43}"
# Longer than any acceptable value, so that the rules of addresses and secrets give the reason, in their own words.
AddressText = Annotated[str, Meta(max_length=1000, description="An email address.", examples=["ada@example.org"])]
SecretText = Annotated[
    str,
    Meta(
        max_length=2000,
        description="A password of at most 128 characters.",
        examples=["seven lamps on a quiet harbour"],
    ),
]
TokenText = Annotated[str, Meta(max_length=200, description="The token of a one-time link.", examples=[EXAMPLE_TOKEN])]
NameText = Annotated[str, Meta(min_length=1, max_length=200, description="How the person is called.", examples=["Ada"])]


class Confidential(Struct, frozen=True):
    """A body with a secret in it: it never shows itself in a log or a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class PasswordSignIn(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Sign in with email and secret."""

    method: Literal["password"]
    email: AddressText
    secret: SecretText


class PasswordReauthentication(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Prove again who you are, with the secret."""

    method: Literal["password"]
    secret: SecretText


class Redemption(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Use a one-time link; which of the other fields are needed depends on what the link is for."""

    token: TokenText
    email: AddressText | None = None
    name: NameText | None = None
    secret: SecretText | None = None


class NewSecret(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The secret to set."""

    secret: SecretText


class KeyView(Struct, frozen=True, rename="camel"):
    """A key without anything secret. `identifier` is the address of the primary key, else null."""

    id: UUID
    kind: str
    identifier: str | None
    has_secret: bool
    purpose: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
