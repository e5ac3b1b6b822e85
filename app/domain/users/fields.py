"""The types of what people enter about themselves, each written once and used by every entry point."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from app.text import name_meta

# The form of E.164, in the syntax of both Python and PostgreSQL.
E164 = r"^\+[1-9][0-9]{1,14}"

# Longer than any address: the rules of `auth/email_addresses.py` give the reason for a refusal in their own words.
AddressText = Annotated[str, Meta(max_length=1000, description="An email address.", examples=["ada@example.org"])]
PersonName = Annotated[str, name_meta("The person's name.", "Ada")]
PhoneText = Annotated[
    str,
    Meta(
        pattern=E164 + r"(?![\s\S])",
        description="In the form of E.164.",
        examples=["+4915112345678"],
        extra={"form": "phone"},
    ),
]
LocaleText = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*(?![\s\S])",
        description="A BCP 47 tag: the language of mails and of the texts of errors.",
        extra={"form": "locale"},
    ),
]
# What each field of a profile is, for the forms of front ends.
FORMATS: Mapping[str, str] = {"name": "name", "phone": "e164", "locale": "bcp47"}

Status = Literal["active", "suspended"]
# A service account acts by API keys, and cannot sign in.
UserKind = Literal["person", "service"]
