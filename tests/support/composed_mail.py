"""Mails of every template, composed without a queue or a server."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

from app.mail.compose import TEMPLATES, Value, compose, needed_values
from app.settings.load import load
from app.words.catalogue import FALLBACK_LOCALE

SETTINGS = load({"PUBLIC_URL": "https://auth.example.org", "MAIL_FROM": "Lamp House <no-reply@example.org>"})
VALUES: dict[str, Value] = {
    "code": "40137268",
    "link": "https://auth.example.org/redeem#token=osk_aB3-dE5_gH7",
    "inviter": "Ada & Søn",
    "language": "Tok Pisin",
    "device": "Chrome on Linux",
    "time": "2026-06-01, 14:02 UTC",
    "new_address": "ada@new.example.org",
    "expires_in": 600,
}
NAMES = sorted(file.stem for file in TEMPLATES.glob("*.txt"))


def raw_mail(name: str, locale: str = FALLBACK_LOCALE, to: str = "grace@example.org", /, **values: Value) -> bytes:
    """The bytes of a mail with example values, of which `values` replace some."""
    return compose(
        to=to,
        template=name,
        locale=locale,
        values={**{key: VALUES[key] for key in needed_values(name)}, **values},
        settings=SETTINGS,
        job_id=UUID(int=1),
        created_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def parsed_mail(name: str, locale: str = FALLBACK_LOCALE, /, **values: Value) -> EmailMessage:
    """As `raw_mail`, parsed."""
    return email.message_from_bytes(raw_mail(name, locale, **values), policy=email.policy.default)


def parts(message: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of a mail."""
    text, markup = message.get_body(("plain",)), message.get_body(("html",))
    assert text
    assert markup
    return text.get_content().replace("\r\n", "\n"), markup.get_content().replace("\r\n", "\n")
