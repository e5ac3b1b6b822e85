"""The MIME message of a mail: ASCII in legal lines, readable where possible, the same at every attempt."""

import email
import email.policy

import pytest

from app.text import harmless_name
from app.words.catalogue import locales
from tests.support.composed_mail import NAMES, VALUES, parsed_mail, parts, raw_mail

LONG_LINE_OCTETS = 998  # RFC 5322 section 2.1.1
CODED_LINE_OCTETS = 76  # RFC 2045 section 6.7 and RFC 2047 section 2


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_ascii_in_lines_of_legal_length(name: str, locale: str) -> None:
    raw = raw_mail(name, locale)
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= LONG_LINE_OCTETS


def test_the_same_mail_is_the_same_bytes() -> None:
    assert raw_mail("invitation", "de") == raw_mail("invitation", "de")


def test_a_link_and_a_code_in_ascii_text_can_be_copied_from_the_raw_message() -> None:
    raw = raw_mail("sign_in")
    assert str(VALUES["link"]).encode() in raw
    assert b"\r\n40137268\r\n" in raw
    assert b"quoted-printable" not in raw


def test_a_text_that_is_not_ascii_is_quoted_printable_in_short_lines() -> None:
    raw = raw_mail("sign_in", "de")
    assert raw.count(b"Content-Transfer-Encoding: quoted-printable") == 2
    assert max(map(len, raw.split(b"\r\n"))) <= CODED_LINE_OCTETS


def test_an_html_line_that_grows_over_998_octets_by_escaping_is_quoted_printable() -> None:
    raw = raw_mail("email_changed", new_address="&" * 200)
    text, markup = email.message_from_bytes(raw, policy=email.policy.default).iter_parts()
    assert text["Content-Transfer-Encoding"] == "7bit"
    assert markup["Content-Transfer-Encoding"] == "quoted-printable"
    assert "&amp;" * 200 in markup.get_content()
    assert max(map(len, raw.split(b"\r\n"))) <= LONG_LINE_OCTETS


@pytest.mark.parametrize("length", [900, 998, 999, 2000])
def test_a_text_line_of_any_length_arrives(length: int) -> None:
    others = len(parts(parsed_mail("email_changed", new_address=""))[0].splitlines()[0])
    raw = raw_mail("email_changed", new_address="x" * (length - others))
    text, _ = parts(email.message_from_bytes(raw, policy=email.policy.default))
    assert len(text.splitlines()[0]) == length
    assert max(map(len, raw.split(b"\r\n"))) <= LONG_LINE_OCTETS


@pytest.mark.parametrize(
    "language",
    [
        "Größe " * 30,
        "日本語 " * 40 + "=? é",
        "Tok Pisin " * 20,
        "Ünï, cødé. (x) " + "y" * 90 + " é = é",
        "=?utf-8?q?x=0D=0ABcc:_all=40example.org?=",
        "=?utf-8?b?eA==?= =?utf-8?b?eA==?=",
    ],
)
@pytest.mark.parametrize("to", ["grace@example.org", "größe@example.org"])
def test_a_subject_arrives_as_it_is(language: str, to: str) -> None:
    raw = raw_mail("member_added", "en", to, language=language)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Subject"] == f'You are now a member of "{harmless_name(language)}" at Lamp House'
    assert message["Bcc"] is None
    assert max(map(len, raw.split(b"\r\n"))) <= LONG_LINE_OCTETS


def test_a_recipient_that_is_not_ascii_is_utf_8_and_all_other_headers_are_ascii() -> None:
    lines = raw_mail("secret_changed", "de", "größe@xn--bcher-kva.example").split(b"\r\n")
    assert [line.decode() for line in lines if not line.isascii()] == ["To: größe@xn--bcher-kva.example"]


@pytest.mark.parametrize("to", ["a@example.org\r\nBcc: b@example.org", "ä@example.org\r\nBcc: b@example.org"])
def test_a_line_break_in_the_recipient_adds_no_header(to: str) -> None:
    raw = raw_mail("secret_changed", "en", to)
    assert email.message_from_bytes(raw, policy=email.policy.default)["Bcc"] is None


@pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_line_break_in_a_value_becomes_a_space(line_break: str) -> None:
    message = parsed_mail("member_added", inviter=f"Ada{line_break}Bcc: x", language=f"Tok{line_break * 2}Pisin")
    text, _ = parts(message)
    assert message["Subject"] == 'You are now a member of "Tok Pisin" at Lamp House'
    assert text.splitlines()[0] == '"Ada Bcc: x" has added you to the language "Tok Pisin" at Lamp House.'
