"""The form of MAIL_FROM: one mailbox, with or without a name, which is the name of the service."""

import re
from email.headerregistry import Address

from email_validator import validate_email

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


def service_name(mail_from: str, public_url: str) -> str:
    """What the service is called: the name in MAIL_FROM, or the host of PUBLIC_URL. Raises as `mailbox_of`."""
    return " ".join(mailbox_of(mail_from).display_name.split()) or host_of(public_url)
