"""The response body of the config route. Times are whole seconds."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct


class ProfileField(Struct, frozen=True):
    """A field of the profile: its JSON type, and what its text is (`name`, `e164`, `bcp47`)."""

    name: str
    type: Literal["string"]
    format: str


class PasswordRules(Struct, frozen=True, rename="camel"):
    """How many characters a password has. There are no rules of composition."""

    min_length: int
    max_length: int


class Lifetimes(Struct, frozen=True, rename="camel"):
    """How long things last, in seconds: `codes` and `links` by purpose.

    `resendAfter` is how long asking again mails nothing, `stepUp` how long a proof of identity stays fresh.
    """

    codes: Mapping[str, int]
    links: Mapping[str, int]
    resend_after: int
    step_up: int


class ServiceConfig(Struct, frozen=True, rename="camel"):
    """What a deployment offers: the same for every caller.

    `signInMethods` are the values of `method` in `POST /api/session`. `password` is null where nobody has one,
    `codeDigits` where there are no codes. `locales` are the languages of mails and messages. `sessionEvents`: whether
    `GET /api/session/events` is offered.
    """

    name: str
    sign_in_methods: list[str]
    sign_up: Literal["open", "invite"]
    required_profile_fields: list[ProfileField]
    password: PasswordRules | None
    code_digits: int | None
    lifetimes: Lifetimes
    locales: list[str]
    session_events: bool
