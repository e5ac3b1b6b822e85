"""The templates: complete in every locale, the same words in both parts, readable everywhere, nothing loaded."""

import email
import email.policy
import html
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

import pytest

from app.mail.mailer import FALLBACK, PROVIDED, TEMPLATES, Mail, Value, compose, locales, nearest_locale, needed
from app.settings.load import load

SETTINGS = load({"PUBLIC_URL": "https://auth.example.org", "MAIL_FROM": "Lamp House <no-reply@example.org>"})
VALUES: dict[str, Value] = {
    "code": "40137268",
    "link": "https://auth.example.org/redeem#token=osk_aB3-dE5_gH7",
    "inviter": "Ada & Søn",
    "language": "Tok Pisin",
    "new_address": "ada@new.example.org",
    "expires_in": 600,
}
NAMES = sorted(file.stem for file in (TEMPLATES / FALLBACK).glob("*.txt"))
EVERY = [(locale, name) for locale in locales() for name in NAMES]
WITH_CODE = [(locale, name) for locale, name in EVERY if "code" in needed(name)]


def sent(name: str, locale: str = FALLBACK, **values: Value) -> bytes:
    given = {**{key: VALUES[key] for key in needed(name)}, **values}
    mail = Mail(to="grace@example.org", template=name, locale=locale, values=given)
    return compose(mail, SETTINGS, UUID(int=1), datetime(2026, 6, 1, tzinfo=UTC))


def composed(name: str, locale: str = FALLBACK, **values: Value) -> EmailMessage:
    return email.message_from_bytes(sent(name, locale, **values), policy=email.policy.default)


def parts(message: EmailMessage) -> tuple[str, str]:
    text, markup = message.get_body(("plain",)), message.get_body(("html",))
    assert text
    assert markup
    return text.get_content().replace("\r\n", "\n"), markup.get_content().replace("\r\n", "\n")


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_the_mails_of_the_service_are_all_there_in_both_languages() -> None:
    assert locales() == ("de", "en")
    assert set(NAMES) == {
        "invitation", "sign_in", "sign_up", "sign_up_closed", "password_reset", "email_change", "email_changed",
        "secret_changed", "member_added",
    }  # fmt: skip


@pytest.mark.parametrize("locale", locales())
def test_every_locale_has_every_template_and_no_other(locale: str) -> None:
    files = {file.name for file in (TEMPLATES / locale).iterdir()}
    assert files == {f"{name}.{part}" for name in NAMES for part in ("txt", "html")} | {"words.jinja"}


@pytest.mark.parametrize(("locale", "name"), EVERY)
def test_a_translation_uses_the_values_of_the_english_template(locale: str, name: str) -> None:
    assert needed(name, locale) == needed(name)
    assert needed(name) <= VALUES.keys()


@pytest.mark.parametrize(("locale", "name"), EVERY)
def test_both_parts_say_the_same(locale: str, name: str) -> None:
    text, markup = parts(composed(name, locale))
    body = re.sub(r"<[^>]+>", " ", re.sub(r"<head>.*</head>", "", markup, flags=re.DOTALL))
    assert words(html.unescape(body)) == words(text)
    assert all(str(VALUES[key]) in text for key in needed(name) - {"expires_in"})
    assert "{" not in text + body


@pytest.mark.parametrize(("locale", "name"), EVERY)
def test_a_mail_loads_nothing_and_its_links_lead_to_the_service(locale: str, name: str) -> None:
    _, markup = parts(composed(name, locale))
    assert not re.search(r"<(img|link|script|iframe|object|svg|form)|url\(|@import|src=", markup)
    assert set(re.findall(r'href="([^"]*)"', markup)) <= {VALUES["link"], SETTINGS.public_url}


@pytest.mark.parametrize(("locale", "name"), EVERY)
def test_the_layout_is_accessible_and_follows_the_readers_colours(locale: str, name: str) -> None:
    message = composed(name, locale)
    _, markup = parts(message)
    assert f'<html lang="{locale}"' in markup
    assert message["Content-Language"] == locale
    assert '<meta name="color-scheme" content="light dark">' in markup
    title = re.search("<title>(.*)</title>", markup)
    assert title
    assert html.unescape(title[1]) == message["Subject"]
    for style in re.findall('style="([^"]*)"', markup):
        assert ("background" in style) == bool(re.search(r"(^|; )color", style)), style


@pytest.mark.parametrize(("locale", "name"), WITH_CODE)
def test_a_code_comes_first_in_the_subject_and_last_in_the_form_that_phones_fill_in(locale: str, name: str) -> None:
    message = composed(name, locale)
    text, _ = parts(message)
    assert message["Subject"].startswith("40137268 ")
    assert text.rstrip().splitlines()[-1] == "@auth.example.org #40137268"
    assert "40137268" in text.splitlines()


@pytest.mark.parametrize(("locale", "name"), EVERY)
def test_a_message_is_ascii_in_short_lines_for_servers_of_any_age(locale: str, name: str) -> None:
    raw = sent(name, locale)
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322 section 2.1.1


def test_a_link_in_english_text_can_be_copied_from_the_raw_message() -> None:
    assert str(VALUES["link"]).encode() in sent("invitation", inviter="Ada")


@pytest.mark.parametrize(
    ("locale", "seconds", "said"),
    [
        ("en", 600, "10 minutes"), ("en", 599.6, "10 minutes"), ("en", 60, "1 minute"), ("en", 5, "1 minute"),
        ("en", 3600, "1 hour"), ("en", 7200, "2 hours"), ("en", 5400, "90 minutes"), ("en", 86400, "1 day"),
        ("en", 604800, "7 days"), ("de", 600, "10 Minuten"), ("de", 3600, "1 Stunde"), ("de", 604800, "7 Tage"),
    ],
)  # fmt: skip
def test_a_lifetime_is_said_in_the_largest_unit_that_is_exact(locale: str, seconds: float, said: str) -> None:
    text, _ = parts(composed("invitation", locale, expires_in=round(seconds)))
    assert f" {said}" in text


@pytest.mark.parametrize(
    ("wanted", "locale"),
    [("de", "de"), ("de-AT", "de"), ("de_CH", "de"), ("gsw", "de"), ("en-GB", "en"), ("fr", "en"), ("tpi", "en"),
     ("", "en"), (None, "en"), ("not a tag!", "en"), ("../../etc", "en")],
)  # fmt: skip
def test_the_nearest_locale_is_taken_and_else_english(wanted: str | None, locale: str) -> None:
    assert nearest_locale(wanted) == locale


def test_an_invitation_without_inviter_or_language_reads_well() -> None:
    text, _ = parts(composed("invitation", inviter="", language=""))
    assert text.startswith("You are invited to Lamp House.\n")


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("name", ["sign_in", "sign_up", "password_reset"])
def test_a_mail_without_a_code_is_about_its_link_alone(locale: str, name: str) -> None:
    message = composed(name, locale, code="")
    text, markup = parts(message)
    body = re.sub(r"<[^>]+>", " ", re.sub(r"<head>.*</head>", "", markup, flags=re.DOTALL))
    assert words(html.unescape(body)) == words(text)
    assert message["Subject"].startswith(("Your link to ", "Ihr Link "))
    assert str(VALUES["link"]) in text
    assert "#" not in text.replace("#token=", "")
    assert not re.search(r"\n{3}|  ", text)


def test_values_are_text_and_never_markup() -> None:
    text, markup = parts(composed("invitation", inviter="<b>Ada</b> {{ link }}"))
    assert "<b>Ada</b> {{ link }} invites you" in text
    assert "&lt;b&gt;Ada&lt;/b&gt; {{ link }} invites you" in markup


def test_what_is_provided_is_never_asked_of_the_caller() -> None:
    assert not PROVIDED & {value for name in NAMES for value in needed(name)}
