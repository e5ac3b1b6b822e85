"""Mails with long lines, in a conversation with a real SMTP server: no line is longer than RFC 5322 allows."""

import pytest

from app.domain.flows.change_email import UNDO_LIFETIME
from tests.support.app import RunningApp
from tests.support.composed_mail import parts
from tests.support.mail_queue import TO, Sending
from tests.support.run_jobs import drain
from tests.support.smtp_server import MailServer

LONG_LINE_OCTETS = 998  # RFC 5322 section 2.1.1


async def send(app: RunningApp, template: str, **values: str) -> None:
    expires_at = app.clock() + UNDO_LIFETIME if "link" in values else None
    async with app.resources.database.transaction() as transaction:
        await app.resources.mail.enqueue(transaction, to=TO, template=template, values=values, expires_at=expires_at)
    await drain(app.worker)


@pytest.mark.parametrize("name", ["&" * 200, "<" * 1000, "é" * 1000, "x" * 2000])
async def test_a_value_that_makes_a_long_line_arrives_in_short_ones(
    server: MailServer, sending: Sending, name: str
) -> None:
    async with sending(server) as app:
        await send(app, "email_changed", new_address=name, link="https://auth.example.org/redeem#token=osk_x")
        await send(app, "member_added", inviter=name, language=name)
    (_, changed), (_, added) = server.received
    for message in (changed, added):
        assert not message.defects
        assert max(map(len, message.as_bytes().splitlines())) <= LONG_LINE_OCTETS
        for part in message.iter_parts():
            assert part["Content-Transfer-Encoding"] in {"7bit", "quoted-printable"}
    assert name in parts(changed)[0]
    assert name[:50] in parts(added)[0]
