"""Delivery over SMTP: temporary errors are retried, permanent ones are not, and no request waits for delivery."""

import asyncio
import ssl
import stat
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from jinja2 import TemplateNotFound

from app.jobs import worker
from app.jobs.worker import Attempt, JobHandler, Worker
from app.mail.mailer import Mail, Mailer
from app.mail.transports import SmtpTransport
from tests.support.app import RunningApp
from tests.support.mail_queue import FROM, TO, Sending, enqueue, states
from tests.support.run_jobs import drain
from tests.support.smtp_server import MailServer, mail_server
from tests.support.tls import certificate_for

WAIT_SECONDS = 30


async def errors(app: RunningApp) -> list[str | None]:
    rows = await app.resources.database.pool.fetch("SELECT error FROM jobs WHERE kind = 'mail' ORDER BY id")
    return [row["error"] for row in rows]


async def test_a_mail_is_delivered_with_its_headers(server: MailServer, sending: Sending) -> None:
    async with sending(server, PUBLIC_URL="https://auth.lamps.example.org") as app:
        await enqueue(app)
        await drain(app.worker)
        job_id = await app.resources.database.pool.fetchval("SELECT id FROM jobs WHERE kind = 'mail'")
    ((recipient, message),) = server.received
    assert recipient == TO
    assert dict(message.items()) | {"Content-Type": "", "MIME-Version": ""} == {
        "From": FROM,
        "To": TO,
        "Subject": "Your password at Lamp House has changed",
        "Date": "Mon, 01 Jun 2026 12:00:00 +0000",
        "Message-ID": f"<{job_id}@lamps.example.org>",
        "Content-Language": "en",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Type": "",
        "MIME-Version": "",
    }
    assert message.get_content_type() == "multipart/alternative"
    assert not message.defects


async def test_a_server_that_is_down_for_three_attempts_gets_the_mail_at_the_fourth(
    server: MailServer, sending: Sending
) -> None:
    async with sending(server) as app:
        await server.stop()
        await enqueue(app)
        for attempt in (1, 2, 3):
            await drain(app.worker)
            assert await states(app) == [("queued", attempt)]
            app.clock.forward(minutes=1)
        await server.start()
        await drain(app.worker)
        assert await states(app) == [("done", 4)]
    assert server.recipients == [TO]


async def test_a_refused_recipient_is_not_retried_and_other_recipients_get_their_mail(
    server: MailServer, sending: Sending
) -> None:
    server.refusals["gone@example.org"] = "550 5.1.1 no such mailbox"
    async with sending(server) as app:
        for to in ("a@example.org", "gone@example.org", "b@example.org"):
            await enqueue(app, to)
        await drain(app.worker)
        server.refusals.clear()
        app.clock.forward(days=2)
        await drain(app.worker)
        assert await states(app) == [("done", 1), ("dead", 1), ("done", 1)]
        assert "recipient refused: 550 5.1.1 no such mailbox" in await errors(app)
    assert sorted(server.recipients) == ["a@example.org", "b@example.org"]


async def test_a_refused_message_is_not_retried_and_a_greylisted_recipient_is(
    server: MailServer, sending: Sending
) -> None:
    async with sending(server) as app:
        server.refusals[TO] = "450 4.2.0 greylisted, try later"
        await enqueue(app)
        await drain(app.worker)
        assert await states(app) == [("queued", 1)]
        server.refusals.clear()
        server.data_reply = "554 5.7.1 this looks like spam"
        app.clock.forward(minutes=1)
        await drain(app.worker)
        assert await states(app) == [("dead", 2)]
    assert server.received == []


async def test_a_refused_sender_is_retried_on_the_same_connection(server: MailServer, sending: Sending) -> None:
    server.sender_reply = "550 5.7.1 not your domain"
    async with sending(server) as app:
        await enqueue(app)
        await drain(app.worker)
        assert await errors(app) == ["sender refused: 550 5.7.1 not your domain"]
        server.sender_reply = None
        app.clock.forward(minutes=1)
        await drain(app.worker)
        assert await states(app) == [("done", 2)]
    assert server.connections == 1


async def test_a_server_that_closes_the_connection_during_data_gets_the_mail_at_a_later_attempt(
    server: MailServer, sending: Sending
) -> None:
    server.closes_in_data = 2
    async with sending(server) as app:
        await enqueue(app)
        for _ in range(3):
            await drain(app.worker)
            app.clock.forward(minutes=1)
        assert await states(app) == [("done", 3)]
    assert server.recipients == [TO]


async def test_every_attempt_sends_the_same_message(server: MailServer, sending: Sending) -> None:
    async with sending(server) as app:
        mail = Mail(to=TO, template="secret_changed", locale="en", values={})
        attempt = Attempt(UUID(int=7), msgspec.json.encode(mail), app.clock())
        await app.resources.mail.deliver(attempt)
        app.clock.forward(hours=1)
        await app.resources.mail.deliver(attempt)
    (_, first), (_, second) = server.received
    assert first.as_bytes() == second.as_bytes()


async def test_a_server_that_does_not_reply_times_out_and_gets_the_mail_at_the_next_attempt(
    server: MailServer, app: RunningApp
) -> None:
    resources, settings = app.resources, app.settings
    transport = SmtpTransport(server.url, local_hostname="localhost", command_seconds=0.2)
    mailer = Mailer(app.clock, settings, resources.jobs, transport)
    impatient = Worker(resources.database, app.clock, resources.secret_key, {"mail": JobHandler(mailer.deliver)})
    server.may_answer.clear()
    await enqueue(app)
    async with mailer.open():
        await drain(impatient)
        assert await states(app) == [("queued", 1)]
        assert server.received == []
        server.may_answer.set()
        app.clock.forward(minutes=1)
        await drain(impatient)
        assert await states(app) == [("done", 2)]
        # A second connection: the next command on the first one would read the late reply.
        assert server.connections == 2


async def test_no_request_waits_for_the_mail_server(server: MailServer, sending: Sending) -> None:
    server.may_answer.clear()
    async with sending(server, RUN_JOBS="on") as app, asyncio.timeout(WAIT_SECONDS):
        for _ in range(worker.CONCURRENCY + 1):
            await enqueue(app)
        await server.reached.wait()
        async with app.client() as client:
            assert (await client.get("/api/session")).status_code == 200
        await enqueue(app)
        assert server.received == []
        server.may_answer.set()


async def test_connections_are_reused_and_a_closed_one_is_replaced(server: MailServer, sending: Sending) -> None:
    async with sending(server) as app:
        for number in range(20):
            await enqueue(app, f"user{number}@example.org")
        await drain(app.worker)
        assert server.connections <= worker.CONCURRENCY
        server.drop_connections()
        await enqueue(app)
        await drain(app.worker)
        assert set(await states(app)) == {("done", 1)}
    assert len(server.received) == 21


async def test_an_expired_mail_is_not_sent(server: MailServer, sending: Sending) -> None:
    async with sending(server) as app:
        await server.stop()
        await enqueue(app, expires_at=app.clock() + timedelta(minutes=10))
        await drain(app.worker)
        await server.start()
        app.clock.forward(minutes=10)
        await drain(app.worker)
        assert [state for state, _ in await states(app)] == ["dead"]
    assert server.received == []


async def test_mail_to_an_address_that_is_not_ascii_is_delivered(server: MailServer, sending: Sending) -> None:
    async with sending(server) as app:
        await enqueue(app, "grace@bücher.example")
        await enqueue(app, "größe@bücher.example")
        await drain(app.worker)
    assert sorted(server.recipients) == ["grace@xn--bcher-kva.example", "größe@bücher.example"]


@pytest.mark.parametrize("credentials", ["", "user:hunter2@"])
async def test_nothing_is_sent_without_tls_to_a_host_other_than_loopback(sending: Sending, credentials: str) -> None:
    # 127.0.0.2 reaches the test's own server, and is not one of the loopback names that need no TLS.
    async with mail_server("127.0.0.2") as server:
        async with sending(server, f"smtp://{credentials}127.0.0.2:{server.port}") as app:
            await enqueue(app)
            await drain(app.worker)
            assert [state for state, _ in await states(app)] == ["queued"]
            assert "STARTTLS" in str(await errors(app))
        assert (server.received, server.credentials) == ([], [])


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_host_other_than_loopback_gets_mail_over_tls_if_its_certificate_is_trusted(
    trusted: bool, sending: Sending, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = certificate_for("127.0.0.2", tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with mail_server("127.0.0.2", tls) as server:
        async with sending(server, f"smtp://user%40lamps:p%3Aw@127.0.0.2:{server.port}") as app:
            await enqueue(app)
            await drain(app.worker)
        assert server.recipients == ([TO] if trusted else [])
        assert server.credentials == ([(b"user@lamps", b"p:w")] if trusted else [])


async def test_a_file_transport_writes_one_private_file_for_each_mail(app: RunningApp) -> None:
    await enqueue(app)
    (message,) = await app.mails()
    (file,) = (app.settings.data_path / "mail").iterdir()
    assert (message["To"], file.suffix) == (TO, ".eml")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_wrong_call_of_enqueue_raises_at_once(app: RunningApp) -> None:
    mail = app.resources.mail
    async with app.resources.database.transaction() as transaction:
        with pytest.raises(ValueError, match="takes"):
            await mail.enqueue(transaction, to=TO, template="invitation", values={"link": "x"})
        with pytest.raises(ValueError, match="@-sign"):
            await mail.enqueue(transaction, to="nobody", template="secret_changed", values={})
        with pytest.raises(TemplateNotFound):
            await mail.enqueue(transaction, to=TO, template="unknown", values={})
