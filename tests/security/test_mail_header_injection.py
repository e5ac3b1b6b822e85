"""Mail header injection: a name, an address or a language adds no header, recipient, part or line to a mail."""

from collections.abc import AsyncIterator

import pytest

from app.settings.mailbox import mailbox_of
from tests.support.app import RunningApp, running, settings_for
from tests.support.run_jobs import drain
from tests.support.smtp_server import MailServer, mail_server

BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00\n", "\n\n"]
EVIL = "Bcc: everybody@example.org"
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


@pytest.mark.parametrize("line_break", BREAKS)
async def test_a_name_with_line_breaks_stays_on_its_line(
    sender: RunningApp, server: MailServer, line_break: str
) -> None:
    name = f"Ada{line_break}{EVIL}{line_break}{line_break}<p>Read this"
    await send(sender, "grace@example.org", "member_added", inviter=name, language=f"German{line_break}{EVIL}")
    ((recipient, message),) = server.received
    assert recipient == "grace@example.org"
    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert message["Subject"] == f"You are now a member of German {EVIL} at Ostiary"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    body = message.get_body(("plain",))
    assert body
    first_line = body.get_content().splitlines()[0]
    assert first_line.startswith(f"Ada {EVIL} <p>Read this has added you to the language German {EVIL}")


@pytest.mark.parametrize("line_break", BREAKS)
async def test_an_address_with_line_breaks_is_refused(sender: RunningApp, server: MailServer, line_break: str) -> None:
    for address in (f"a@example.org{line_break}{EVIL}", f"a{line_break}@example.org", f'"a{line_break}b"@example.org'):
        with pytest.raises(ValueError, match=r"."):
            await send(sender, address, "secret_changed")
    assert server.received == []


@pytest.mark.parametrize(
    "address", ["a@example.org, b@example.org", "<a@example.org>", "Ada <a@example.org>", "a@example.org>", "a b@c.org"]
)
async def test_an_address_is_one_bare_address(sender: RunningApp, server: MailServer, address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        await send(sender, address, "secret_changed")
    assert server.received == []


@pytest.mark.parametrize("recipient", ["grace@example.org", "größe@example.org"])
async def test_an_encoded_word_in_a_name_stays_text(sender: RunningApp, server: MailServer, recipient: str) -> None:
    # Python before 3.11.10 decodes encoded words (RFC 2047) in a header that it folds: CVE-2024-6923.
    name = f"=?utf-8?q?x=0D=0A{EVIL.replace(' ', '_').replace('@', '=40')}=0D=0A?= of the long valley behind the hills"
    await send(sender, recipient, "member_added", inviter=name, language=name)
    ((received_by, message),) = server.received
    assert received_by == recipient
    assert set(message.keys()) == HEADERS
    assert message["Subject"] == f"You are now a member of {name} at Ostiary"


async def test_characters_that_reverse_the_reading_direction_are_removed(
    sender: RunningApp, server: MailServer
) -> None:
    await send(sender, "grace@example.org", "member_added", inviter="Ada", language="\u202egro.elpmaxe\u202c")
    ((_, message),) = server.received
    assert message["Subject"] == "You are now a member of gro.elpmaxe at Ostiary"


def test_the_senders_name_cannot_carry_a_header() -> None:
    with pytest.raises(ValueError, match=r".|^$"):
        mailbox_of(f"Ostiary\r\n{EVIL} <no-reply@example.org>")
