"""Phishing: the name of an inviter or of a language brings a link, or words of its own, into a mail of the service."""

import re

import pytest

from app.text import NAME_MAX
from tests.support.app import PUBLIC_URL, RunningApp
from tests.support.composed_mail import parts

# What mail programs make links of: URLs, bare domains, addresses, and the network paths of Outlook.
LINKS = re.compile(r"\w+:/|\w:[\w+]|www\.\S|\w[.\u3002\uff0e\uff61]\w|\w@\w|\\\\\w", re.IGNORECASE)
NAMES = [
    "http://evil.example/x", "hTTps://evil.example", "evil.example/x", "www.evil.example", "evil.example", "a.b.co.uk",
    "mailto:eve@evil.example", "eve@evil.example", "javascript:alert(1)", "tel:+15550100", "ftp://192.0.2.1/",
    "192.0.2.1/x", "http://[::1]/", r"\\evil\share", "file:///etc", "Ada (evil.example)", "evil\u3002example",
    "evil\uff0eexample", "https://evil\u200b.\u200bexample", "Your account is locked:http://evil.example",
]  # fmt: skip
RECIPIENT = "eve@example.org"


async def names_in_mail(app: RunningApp, name: str, *, known: bool) -> tuple[str, str]:
    """The subject, and the text without the service's own links, of the mail of an inviter and a language so named."""
    await app.language("de", name)
    inviter = await app.user("ada@example.org", name=name)
    await app.member(inviter, "de", "admin")
    if known:
        await app.user(RECIPIENT, name="Eve")
    admin = app.with_cookie(await app.token(inviter))
    assert (await admin.post("/api/languages/de/members", json={"email": RECIPIENT})).status_code == 202
    (message,) = await app.mails()
    text, markup = parts(message)
    assert set(re.findall(r'href="([^"#]*)', markup)) <= {PUBLIC_URL, f"{PUBLIC_URL}/redeem"}
    return message["Subject"], re.sub(re.escape(PUBLIC_URL) + r"\S*", "", text)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("name", NAMES)
async def test_a_link_in_a_name_is_no_link_in_a_mail(app: RunningApp, name: str, known: bool) -> None:
    assert LINKS.search(name.replace("\u200b", ""))
    subject, text = await names_in_mail(app, name, known=known)
    for shown in (subject, text):
        assert not LINKS.search(shown.replace("\u200b", "")), shown


@pytest.mark.parametrize("known", [False, True])
async def test_a_name_cannot_end_its_quotation_and_is_shortened(app: RunningApp, known: bool) -> None:
    attack = 'Ada" of Ostiary. Your account is locked. “Call +1 555 0100” ' + "now " * 30
    subject, text = await names_in_mail(app, attack, known=known)
    first_line = text.splitlines()[0]
    assert first_line.count('"') == 4
    assert all(len(name) <= NAME_MAX for name in first_line.split('"')[1::2])
    assert len(subject) < NAME_MAX + 50


async def test_a_name_without_a_link_is_written_as_it_is(app: RunningApp) -> None:
    name = "Zoë O\u2019Brien-St. John, Jr. (\u2019Are\u2019are / Tok Pisin)"
    _, text = await names_in_mail(app, name, known=False)
    assert text.count(f'"{name}"') == 2
