"""Secrets in the job table: a reader of the database finds a code, link or address in a job."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.support.app import RunningApp, running, settings_for
from tests.support.run_jobs import drain
from tests.support.smtp_server import mail_server

CODE, TOKEN, TO = "40137268", "osk_aB3dE5gH7jK9", "grace@secret.example.org"
VALUES = {"code": CODE, "link": f"https://auth.example.org/redeem#token={TOKEN}"}
SECRETS = (CODE, TOKEN, TO.partition("@")[2])


async def enqueue(app: RunningApp) -> None:
    expires_at = app.clock() + timedelta(minutes=10)
    async with app.resources.database.transaction() as transaction:
        await app.resources.mail.enqueue(transaction, to=TO, template="sign_in", values=VALUES, expires_at=expires_at)


async def dump(app: RunningApp) -> str:
    """All rows of all tables as text; binary columns as hexadecimal and as Latin-1."""
    pool = app.resources.database.pool
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [row for (table,) in tables for row in await pool.fetch(f'SELECT t::text AS r, t.* FROM "{table}" t')]  # noqa: S608 # names from the catalogue
    texts = [value.decode("latin-1") if isinstance(value, bytes) else str(value) for row in rows for value in row]
    return "\n".join(texts)


async def test_the_payload_of_a_waiting_mail_is_encrypted(app: RunningApp) -> None:
    await enqueue(app)
    stored = await dump(app)
    assert "\\x" in stored
    for secret in SECRETS:
        assert secret not in stored
        assert secret.encode().hex() not in stored


async def test_the_payload_is_erased_when_the_mail_is_sent(app: RunningApp) -> None:
    await enqueue(app)
    (message,) = await app.mails()
    assert message["Subject"].startswith(CODE)
    assert await payloads(app) == [None]


async def test_the_payload_is_erased_when_the_code_has_expired(app: RunningApp) -> None:
    await enqueue(app)
    app.clock.forward(minutes=10)
    assert await app.mails() == []
    assert await payloads(app) == [None]


@pytest.mark.parametrize(
    "data_reply",
    [f"554 rejected: {CODE} {TOKEN} {TO}", f"451 {CODE} {TOKEN} {TO}", f"421 {CODE} {TOKEN} {TO}"],
)
async def test_an_smtp_reply_that_repeats_the_message_is_neither_stored_nor_logged(
    app: RunningApp, database_url: str, data_reply: str
) -> None:
    async with mail_server() as server:
        server.data_reply = data_reply
        settings = settings_for(database_url, MAIL_URL=server.url, MAIL_FROM="a@example.org")
        async with running(settings, app.clock) as sender:
            with capture_logs() as logs:
                await enqueue(sender)
                await drain(sender.worker)
            stored = await dump(sender)
    assert any(entry["event"] == "job_failed" for entry in logs)
    for secret in SECRETS:
        assert secret not in stored
        assert secret not in repr(logs)


async def test_a_delivered_mail_logs_no_secret(app: RunningApp) -> None:
    with capture_logs() as logs:
        await enqueue(app)
        await app.mails()
    assert any(entry["event"] == "mail_sent" for entry in logs)
    assert not any(secret in repr(logs) for secret in SECRETS)


async def payloads(app: RunningApp) -> list[bytes | None]:
    rows = await app.resources.database.pool.fetch("SELECT payload FROM jobs WHERE kind = 'mail'")
    return [row["payload"] for row in rows]
