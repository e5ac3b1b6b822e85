"""The message of a mail: a template filled with the words of a language and the caller's values, in MIME format."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from email.contentmanager import raw_data_manager
from email.header import Header
from email.message import EmailMessage
from email.policy import compat32
from email.utils import format_datetime, formataddr
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes, select_autoescape
from jinja2.meta import find_referenced_templates, find_undeclared_variables

from app.settings.mailbox import mailbox_of, service_name
from app.settings.model import Settings
from app.text import harmless_name, one_line
from app.words.catalogue import FALLBACK_LOCALE, duration, fill, placeholders, section

TEMPLATES = Path(__file__).parent / "templates"
# The values that every template and word may use in addition to those of the caller.
PROVIDED = frozenset({"service", "host", "public_url", "locale", "subject", "words", "token"})
# Names that a person other than the reader may have chosen.
CHOSEN_BY_OTHERS = frozenset({"inviter", "language", "device"})
MAX_LINE_OCTETS = 998  # RFC 5322 section 2.1.1
# Not `EmailPolicy`: in Python before 3.11.10 it decodes encoded words (RFC 2047) in a value, line breaks included, so
# that a value can add a header (CVE-2024-6923), and it loses spaces in long headers that are not ASCII.
# 76 characters are the limit of encoded words (RFC 2047 section 2) and quoted-printable (RFC 2045 section 6.7).
POLICY = compat32.clone(linesep="\r\n", max_line_length=76)

Value = str | int


def compose(
    *,
    to: str,
    template: str,
    locale: str,
    values: Mapping[str, Value],
    settings: Settings,
    job_id: UUID,
    created_at: datetime,
) -> bytes:
    """The message as SMTP transfers it: the same bytes for the same arguments.

    `to` is one address, `values` are those that `needed_values` names; `expires_in` is in seconds. The Message-ID is
    made from `job_id`, the Date is `created_at`. No value can add a header or a line: control characters and line
    breaks become spaces. Names that others have chosen are shortened, and no link is seen in them. Raises `KeyError`
    for a locale without words.
    """
    sender = mailbox_of(settings.mail_from)
    host = urlsplit(settings.public_url).hostname or ""
    provided = {
        "service": service_name(settings),
        "host": host,
        "public_url": settings.public_url,
        "locale": locale,
    }
    clean = {name: _cleaned(name, value) for name, value in values.items()}
    # The token of a link is in the mail as a text too: some mail gateways cut the fragment off a link.
    token = {"token": str(clean["link"]).partition("#token=")[2]} if "link" in clean else {}
    subject, text, markup = _render(template, locale, {**clean, **token, **provided})

    message = EmailMessage(policy=POLICY)
    message.set_content(text, cte=_transfer_encoding(text), content_manager=raw_data_manager)
    message.make_alternative(boundary=f"=_{job_id}")
    message.add_alternative(markup, subtype="html", cte=_transfer_encoding(markup), content_manager=raw_data_manager)
    message["From"] = formataddr((sender.display_name, sender.addr_spec))
    # A local part that is not ASCII is written as UTF-8 (RFC 6532), which this policy takes as surrogate escapes.
    message["To"] = one_line(to).encode().decode("ascii", "surrogateescape")
    message["Subject"] = _encoded(subject)
    message["Date"] = format_datetime(created_at)
    message["Message-ID"] = f"<{job_id}@{sender.domain}>"
    message["Content-Language"] = locale
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5
    message["X-Auto-Response-Suppress"] = "All"
    return message.as_bytes()


@cache
def needed_values(template: str) -> frozenset[str]:
    """The names of the values that a caller must give for a template: those that the template or its words use.

    Raises `jinja2.TemplateNotFound` if there is no such template, and `KeyError` if one of its words is missing.
    """
    names = (find_undeclared_variables(tree) for tree in _trees(f"{template}.txt", f"{template}.html"))
    texts = _texts(template, FALLBACK_LOCALE).values()
    return frozenset().union(*names, *map(placeholders, texts)) - PROVIDED


@cache
def used_words(template: str) -> frozenset[str]:
    """The names of the words that a template uses, as `button` in `words.button`."""
    return frozenset(
        node.attr
        for tree in _trees(f"{template}.txt", f"{template}.html")
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name == "words"
    )


def _cleaned(name: str, value: Value) -> Value:
    if not isinstance(value, str):
        return value
    return harmless_name(value) if name in CHOSEN_BY_OTHERS else one_line(value)


def _render(template: str, locale: str, values: dict[str, Value]) -> tuple[str, str, str]:
    """The subject, the text and the HTML. The subject is the first line of the text template.

    In words, `expires_in` is a duration such as `10 minutes`.
    """
    readable = dict(values)
    if "expires_in" in values:
        readable["expires_in"] = duration(locale, int(values["expires_in"]))
    words = SimpleNamespace(**{name: fill(text, readable) for name, text in _texts(template, locale).items()})
    first_line, _, text = _environment().get_template(f"{template}.txt").render(values, words=words).partition("\n")
    subject = one_line(first_line.removeprefix("Subject:"))
    markup = _environment().get_template(f"{template}.html").render(values, words=words, subject=subject)
    return subject, text.strip() + "\n", markup


def _texts(template: str, locale: str) -> dict[str, str]:
    """The words that a template uses, from its own section, else from the shared one."""
    texts = {**section(locale, "mail.shared"), **section(locale, f"mail.{template}")}
    return {name: texts[name] for name in used_words(template)}


def _trees(*file_names: str) -> Iterator[nodes.Template]:
    """The parsed templates, and all templates that these extend or import."""
    for file_name in file_names:
        source, _, _ = FileSystemLoader(TEMPLATES).get_source(_environment(), file_name)
        tree = _environment().parse(source)
        yield tree
        yield from _trees(*filter(None, find_referenced_templates(tree)))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _transfer_encoding(body: str) -> str:
    """`7bit` wherever it is legal, so that a link in an .eml file can be copied; else `quoted-printable`."""
    fits = body.isascii() and all(len(line) <= MAX_LINE_OCTETS for line in body.split("\n"))
    return "7bit" if fits else "quoted-printable"


def _encoded(subject: str) -> Header:
    """The subject as ASCII: in encoded words (RFC 2047) if it is not ASCII or looks like an encoded word itself."""
    plain = subject.isascii() and "=?" not in subject
    return Header(subject, None if plain else "utf-8", header_name="Subject")
