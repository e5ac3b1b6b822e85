"""The form of MAIL_FROM: one mailbox, with or without a name, which is the name of the service."""

import re
from email.headerregistry import Address

from email_validator import validate_email

from app.settings.model import Settings
from app.settings.urls import host_of

MAILBOX = re.compile(r'"?(?P<name>[^"<>@]*?)"? *<(?P<address>[^<> ]+)>|(?P<bare>[^<> ]+)')


def mailbox_of(value: str) -> Address:
    """The mailbox that a text such as `Ostiary <no-reply@example.org>` names.

    Raises `ValueError` for a text that names no mailbox or several, and for an address that needs SMTPUTF8 (RFC 6531).
    """
    parts = MAILBOX.fullmatch(value)
    if parts is None or not value.isprintable():
        raise ValueError("not one mailbox")
    checked = validate_email(
        parts["address"] or parts["bare"],
        allow_smtputf8=False,
        check_deliverability=False,
        globally_deliverable=False,
        test_environment=True,
    )
    return Address(parts["name"] or "", checked.local_part, checked.ascii_domain)


def service_name(settings: Settings) -> str:
    """What the service is called: BRAND_NAME, the name in MAIL_FROM, or the host of PUBLIC_URL. Raises `ValueError`
    for a MAIL_FROM that is no mailbox."""
    named = settings.brand_name or (mailbox_of(settings.mail_from).display_name if settings.mail_from else "")
    return " ".join(named.split()) or host_of(settings.public_url)
