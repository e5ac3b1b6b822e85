"""What the keys' routes take and give."""

from datetime import datetime
from typing import Annotated
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
CodeText = Annotated[
    str, Meta(max_length=100, description="The eight digits of a one-time code.", examples=["12345678"])
]
PhoneText = Annotated[
    str,
    Meta(pattern=r"^\+[1-9][0-9]{1,14}(?![\s\S])", description="In the form of E.164.", examples=["+4915112345678"]),
]


class Confidential(Struct, frozen=True):
    """A body with a secret in it: it never shows itself in a log or a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class PasswordSignIn(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="password"):
    """Sign in with email and secret."""

    email: AddressText
    secret: SecretText


class CodeSignIn(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="code"):
    """Sign in with the code that was mailed for the purpose `sign_in`."""

    email: AddressText
    code: CodeText


class LinkSignIn(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="link"):
    """Sign in with the token of the link that was mailed for the purpose `sign_in`."""

    token: TokenText


SignIn = PasswordSignIn | CodeSignIn | LinkSignIn


class PasswordProof(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="password"):
    """Prove again who you are, with the secret."""

    secret: SecretText


class CodeProof(Confidential, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="code"):
    """Prove again who you are, with a code mailed to your address for the purpose `sign_in`."""

    code: CodeText


Reauthentication = PasswordProof | CodeProof


class KeyRequest(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Ask for a single-use key by mail; `name` and `phone` are for the purpose `sign_up`."""

    purpose: Annotated[str, Meta(min_length=1, max_length=40)]
    email: AddressText
    name: NameText | None = None
    phone: PhoneText | None = None


class Accepted(Struct, frozen=True):
    """The answer for every address, known or not."""

    status: str = "accepted"


class LinkToken(Confidential, frozen=True, forbid_unknown_fields=True):
    """The link to look at."""

    token: TokenText


class Inspected(Struct, frozen=True):
    """What a link is for, and which fields redeeming it takes."""

    purpose: str
    email: str | None
    language: str | None
    needs: list[str]


class Redemption(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Use a one-time link by its token, or a code with its purpose and address.

    Which of the other fields are needed depends on the purpose.
    """

    token: TokenText | None = None
    purpose: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    code: CodeText | None = None
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
