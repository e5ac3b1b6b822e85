"""Mail templates: the same content in both parts, accessible, no remote content, in every language."""

import html
import re

import pytest
from jinja2 import TemplateNotFound

from app.mail.compose import PROVIDED, TEMPLATES, needed_values, used_words
from app.words.catalogue import locales, section
from tests.support.composed_mail import NAMES, SETTINGS, VALUES, parsed_mail, parts

ALL = [(locale, name) for locale in locales() for name in NAMES]
WITH_CODE = [(locale, name) for locale, name in ALL if "code" in needed_values(name)]


def words_in(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def text_of(markup: str) -> str:
    """The text that a reader of the HTML sees, without the labels of buttons, which have the link below as text."""
    markup = re.sub(r"<a href=\"[^\"]+\" style=[^>]+>[^<]+</a>", "", markup)
    return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<head>.*</head>", "", markup, flags=re.DOTALL)))


def test_there_is_one_text_and_one_html_template_for_each_mail() -> None:
    assert {file.name for file in TEMPLATES.iterdir()} == {
        f"{name}.{part}" for name in NAMES for part in ("txt", "html")
    } | {"shared"}
    assert set(NAMES) == {
        "invitation", "sign_in", "sign_up", "sign_up_closed", "password_reset", "email_change", "email_changed",
        "secret_changed", "member_added", "account_deleted", "new_device",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("secret_changed", set()),
        ("account_deleted", set()),
        ("sign_in", {"code", "link", "expires_in"}),
        ("email_changed", {"link", "expires_in", "new_address"}),
        ("member_added", {"inviter", "language"}),
    ],
)
def test_a_mail_needs_the_values_of_its_templates_and_words(name: str, needed: set[str]) -> None:
    assert needed_values(name) == needed


@pytest.mark.parametrize("name", NAMES)
def test_a_caller_never_gives_a_value_that_every_mail_has(name: str) -> None:
    assert not needed_values(name) & PROVIDED
    assert needed_values(name) <= VALUES.keys()


def test_an_unknown_template_is_an_error() -> None:
    with pytest.raises(TemplateNotFound):
        needed_values("unknown")


@pytest.mark.parametrize("locale", locales())
def test_every_word_is_used_by_a_mail(locale: str) -> None:
    own = {(name, word) for name in NAMES for word in section(locale, f"mail.{name}")}
    shared = {("shared", word) for word in section(locale, "mail.shared")}
    used = {(name if (name, word) in own else "shared", word) for name in NAMES for word in used_words(name)}
    assert used == own | shared


@pytest.mark.parametrize(("locale", "name"), ALL)
def test_text_and_html_have_the_same_words(locale: str, name: str) -> None:
    text, markup = parts(parsed_mail(name, locale))
    assert words_in(text_of(markup)) == words_in(text)
    assert all(str(VALUES[key]) in text for key in needed_values(name) - {"expires_in"})
    assert "{" not in text + text_of(markup)


@pytest.mark.parametrize(("locale", "name"), ALL)
def test_links_codes_and_tokens_are_lines_of_the_text_with_blank_lines_around(locale: str, name: str) -> None:
    link, code = str(VALUES["link"]), str(VALUES["code"])
    to_copy = {code, link, link.partition("#token=")[2], SETTINGS.public_url}
    alone = {*to_copy, f"@auth.example.org #{code}"}  # the last is for programs that fill in the code
    with_link_alone = [""] if {"code", "link"} <= needed_values(name) else []
    for given in (code, *with_link_alone):
        text, _ = parts(parsed_mail(name, locale, code=given))
        paragraphs = text.rstrip("\n").split("\n\n")
        assert all(paragraph and "\n" not in paragraph for paragraph in paragraphs)
        told = [paragraph for paragraph in paragraphs if paragraph not in alone]
        assert not [paragraph for paragraph in told if any(value in paragraph for value in to_copy)]


@pytest.mark.parametrize(("locale", "effects"), [("en", ["password", "devices"]), ("de", ["Passwort", "Geräte"])])
def test_the_mail_of_a_changed_address_says_what_the_undo_ends(locale: str, effects: list[str]) -> None:
    for part in parts(parsed_mail("email_changed", locale)):
        assert [effect for effect in effects if effect not in part] == []


@pytest.mark.parametrize(("locale", "name"), ALL)
def test_a_mail_loads_nothing_and_links_to_the_service_only(locale: str, name: str) -> None:
    _, markup = parts(parsed_mail(name, locale))
    assert not re.search(r"<(img|link|script|iframe|object|svg|form)|url\(|@import|src=", markup)
    assert set(re.findall(r'href="([^"]*)"', markup)) <= {VALUES["link"], SETTINGS.public_url}


@pytest.mark.parametrize(("locale", "name"), ALL)
def test_the_layout_is_accessible_and_supports_light_and_dark_colours(locale: str, name: str) -> None:
    message = parsed_mail(name, locale)
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
def test_a_code_starts_the_subject_and_ends_the_text_in_the_form_for_autofill(locale: str, name: str) -> None:
    message = parsed_mail(name, locale)
    text, _ = parts(message)
    assert message["Subject"].startswith("40137268 ")
    assert text.rstrip().splitlines()[-1] == "@auth.example.org #40137268"
    assert "40137268" in text.splitlines()


@pytest.mark.parametrize(
    ("inviter", "language", "first_line"),
    [
        ("", "", "You are invited to Lamp House."),
        ("", "Tok Pisin", 'You are invited to Lamp House for the language "Tok Pisin".'),
        ("Ada", "", '"Ada" invites you to Lamp House.'),
        ("Ada", "Tok Pisin", '"Ada" invites you to Lamp House for the language "Tok Pisin".'),
    ],
)
def test_an_invitation_names_the_inviter_and_the_language_if_there_are_any(
    inviter: str, language: str, first_line: str
) -> None:
    text, _ = parts(parsed_mail("invitation", inviter=inviter, language=language))
    assert text.splitlines()[0] == first_line


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("name", ["sign_in", "sign_up", "password_reset"])
def test_a_mail_without_a_code_has_only_the_link(locale: str, name: str) -> None:
    message = parsed_mail(name, locale, code="")
    text, markup = parts(message)
    assert words_in(text_of(markup)) == words_in(text)
    assert message["Subject"].startswith(("Your link to ", "Ihr Link "))
    assert str(VALUES["link"]) in text
    assert "#" not in text.replace("#token=", "")
    assert not re.search(r"\n{3}|  ", text)


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("name", [name for name in NAMES if "link" in needed_values(name)])
def test_a_mail_with_a_link_has_its_token_on_a_line_of_its_own(name: str, locale: str) -> None:
    text, markup = parts(parsed_mail(name, locale))
    assert text.splitlines().count("osk_aB3-dE5_gH7") == 1
    assert markup.count(">osk_aB3-dE5_gH7<") == 1


def test_a_value_is_text_and_never_markup_or_a_placeholder() -> None:
    text, markup = parts(parsed_mail("invitation", inviter="<b>Ada</b> {{ link }} {service}"))
    assert '"<b>Ada</b> {{ link }} {service}" invites you' in text
    assert "&#34;&lt;b&gt;Ada&lt;/b&gt; {{ link }} {service}&#34; invites you" in markup
