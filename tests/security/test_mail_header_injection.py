"""Mail header injection: a line break in a name, address or language adds a header, recipient or part to a mail."""

from collections.abc import AsyncIterator

import pytest

from app.settings.mailbox import mailbox_of
from app.text import harmless_name
from tests.support.app import RunningApp, running, settings_for
from tests.support.run_jobs import drain
from tests.support.smtp_server import MailServer, mail_server

LINE_BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00\n", "\n\n"]
INJECTED = "Bcc: everybody@example.org"
LINK = "https://auth.example.org/redeem#token=osk_x"
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted", "X-Auto-Response-Suppress",
    "Content-Type", "MIME-Version",
}  # fmt: skip


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
async def sender(app: RunningApp, server: MailServer, database_url: str) -> AsyncIterator[RunningApp]:
    settings = settings_for(database_url, MAIL_URL=server.url, MAIL_FROM="Ostiary <no-reply@example.org>")
    async with running(settings, app.clock) as sender:
        yield sender


async def send(app: RunningApp, to: str, template: str, **values: str) -> None:
    async with app.resources.database.transaction() as transaction:
        await app.resources.mail.enqueue(transaction, to=to, template=template, values=values)
    await drain(app.worker)


@pytest.mark.parametrize("line_break", LINE_BREAKS)
async def test_a_name_with_line_breaks_stays_on_one_line(
    sender: RunningApp, server: MailServer, line_break: str
) -> None:
    name = f"Ada{line_break}{INJECTED}{line_break}{line_break}<p>Read this"
    await send(sender, "grace@example.org", "member_added", inviter=name, language=f"German{line_break}{INJECTED}")
    ((recipient, message),) = server.received
    assert recipient == "grace@example.org"
    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert message["Subject"] == f'You are now a member of "{harmless_name(f"German {INJECTED}")}" at Ostiary'
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    body = message.get_body(("plain",))
    assert body
    first_line = body.get_content().splitlines()[0]
    inviter, language = harmless_name(f"Ada {INJECTED} <p>Read this"), harmless_name(f"German {INJECTED}")
    assert first_line == f'"{inviter}" has added you to the language "{language}" at Ostiary.'


@pytest.mark.parametrize("line_break", LINE_BREAKS)
async def test_an_address_with_line_breaks_is_refused(sender: RunningApp, server: MailServer, line_break: str) -> None:
    for address in (
        f"a@example.org{line_break}{INJECTED}",
        f"a{line_break}@example.org",
        f'"a{line_break}b"@example.org',
    ):
        with pytest.raises(ValueError, match=r"."):
            await send(sender, address, "secret_changed")
    assert server.received == []


@pytest.mark.parametrize(
    "address", ["a@example.org, b@example.org", "<a@example.org>", "Ada <a@example.org>", "a@example.org>", "a b@c.org"]
)
async def test_a_recipient_that_is_not_one_bare_address_is_refused(
    sender: RunningApp, server: MailServer, address: str
) -> None:
    with pytest.raises(ValueError, match=r"."):
        await send(sender, address, "secret_changed")
    assert server.received == []


@pytest.mark.parametrize("recipient", ["grace@example.org", "größe@example.org"])
async def test_an_encoded_word_in_a_name_is_sent_as_text(
    sender: RunningApp, server: MailServer, recipient: str
) -> None:
    # Python before 3.11.10 decodes encoded words (RFC 2047) in a header that it folds: CVE-2024-6923.
    name = (
        f"=?utf-8?q?x=0D=0A{INJECTED.replace(' ', '_').replace('@', '=40')}=0D=0A?= of the long valley behind the hills"
    )
    await send(sender, recipient, "member_added", inviter=name, language=name)
    ((envelope_recipient, message),) = server.received
    assert envelope_recipient == recipient
    assert set(message.keys()) == HEADERS
    assert message["Subject"] == f'You are now a member of "{harmless_name(name)}" at Ostiary'


async def test_bidirectional_control_characters_are_removed(sender: RunningApp, server: MailServer) -> None:
    await send(sender, "grace@example.org", "member_added", inviter="Ada", language="\u202egro.elpmaxe\u202c")
    ((_, message),) = server.received
    assert message["Subject"] == 'You are now a member of "gro. elpmaxe" at Ostiary'


def test_a_sender_name_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match=r".|^$"):
        mailbox_of(f"Ostiary\r\n{INJECTED} <no-reply@example.org>")
