"""Request and response bodies of the flow routes, except sign-in: those bodies are in `sign_in/`."""

from typing import Annotated

from msgspec import Meta, Struct

from app.auth.tokens import LINK_PREFIX
from app.domain.flows.purpose_registry import REQUESTABLE
from app.domain.users.fields import AddressText, LocaleText, PersonName, PhoneText
from app.guards.roles import PlatformRole

EXAMPLE_TOKEN = f"{LINK_PREFIX}{'A' * 43}"
# Longer than any acceptable value, so that the rules of secrets and codes give the reason, in their own words.
SecretText = Annotated[
    str,
    Meta(
        max_length=2000,
        description="A password of at most 128 characters.",
        examples=["seven lamps on a quiet harbour"],
    ),
]
TokenText = Annotated[str, Meta(max_length=200, description="The token of a one-time link.", examples=[EXAMPLE_TOKEN])]
CodeText = Annotated[
    str, Meta(max_length=100, description="The eight digits of a one-time code.", examples=["12345678"])
]
FlowText = Annotated[
    str,
    Meta(
        max_length=200,
        description="The `flow` of the answer to `POST /api/keys`; not needed where its cookie is sent, which is named"
        " `auth_flow_` and the purpose.",
    ),
]
ReturnToText = Annotated[
    str,
    Meta(
        max_length=2000,
        description="The URL of a page of PUBLIC_URL, APP_URL or ALLOWED_ORIGINS, as browsers write it.",
        examples=["http://localhost:8000/languages"],
    ),
]
PurposeText = Annotated[str, Meta(min_length=1, max_length=40)]
RequestablePurpose = Annotated[
    str, Meta(min_length=1, max_length=40, extra_json_schema={"extra": {"enum": REQUESTABLE}})
]
ReasonText = Annotated[str, Meta(min_length=1, max_length=500, description="Shown to platform admins only.")]


class Confidential(Struct, frozen=True):
    """A body with a secret in it. Its repr shows no value, so that no log and no traceback does."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class RequestKeyInput(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Ask for a single-use key by mail. With the `flow` of an earlier answer, the code mailed for it is void.

    `locale` is the language of the mail, if the address has no account with another one; without it the mail is in that
    of `Accept-Language`. `returnTo` is where the client
    wants to be after the key is redeemed: the answers about the key have it.
    """

    purpose: RequestablePurpose
    email: AddressText
    flow: FlowText | None = None
    locale: LocaleText | None = None
    return_to: ReturnToText | None = None


class KeyRequested(Confidential, frozen=True, rename="camel"):
    """The answer for every address, known or not.

    The mailed code works together with `flow`, for `expiresIn` seconds. Asking again in the same flow mails nothing
    before `resendAfter` seconds have passed.
    """

    flow: str
    resend_after: int
    expires_in: int
    status: str = "accepted"


class InspectKeyInput(Confidential, frozen=True, forbid_unknown_fields=True):
    """The link to look at."""

    token: TokenText


class InspectedKey(Struct, frozen=True, rename="camel"):
    """What a link is for, which fields redeeming it needs, and which others it takes.

    `missing` are the required fields of the profile that the user has not filled yet, and is asked for before anything
    else. `language` is the code of the language that an invitation is to, `inviterName` who invites to it. `returnTo`
    is the page that the request for the key named.
    """

    purpose: str
    email: str | None
    language: str | None
    language_name: str | None
    inviter_name: str | None
    return_to: str | None
    needs: list[str]
    optional: list[str]
    missing: list[str]


class RedeemKeyInput(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Use a one-time link by its token, or a code with its purpose, address and flow.

    Which of the other fields are needed or taken depends on the purpose. `switch` accepts an invitation although
    another user is signed in, whose session ends.
    """

    token: TokenText | None = None
    purpose: PurposeText | None = None
    code: CodeText | None = None
    flow: FlowText | None = None
    email: AddressText | None = None
    name: PersonName | None = None
    phone: PhoneText | None = None
    locale: LocaleText | None = None
    secret: SecretText | None = None
    switch: bool = False


class NewSecret(Confidential, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The secret to set."""

    secret: SecretText


class NewUser(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A user to create and invite. `locale` is the language of their mails, until they choose another one."""

    email: AddressText
    name: PersonName
    locale: LocaleText | None = None


class PlatformRoleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The platform role to hold from now on; null for none."""

    role: PlatformRole | None


class Suspension(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the account is suspended."""

    reason: ReasonText | None = None
