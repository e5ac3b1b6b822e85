"""Credentials in logs: a reader of the log or of the database signs in with a code or token found there."""

from structlog.testing import capture_logs

from tests.support.app import SECRET, RunningApp, running, settings_for
from tests.support.mailbox import ask, by_code, code_in, mailed, redeem, token_in, wrong


async def test_codes_and_tokens_are_never_logged(app: RunningApp, database_url: str) -> None:
    async with running(settings_for(database_url, ACCESS_LOG="on"), app.clock) as logged:
        with capture_logs() as logs:
            await logged.user()
            message = await mailed(logged, "sign_in")
            code, token = code_in(message), token_in(message)
            client = logged.client()
            for sent in (wrong(code), f" {code}", f"{code}0", code, code):
                await redeem(client, purpose="sign_in", email="ada@example.org", code=sent)
                await redeem(client, purpose=code, email=code, code=sent)
                await client.post("/api/session", json=by_code(sent))
            for sent in (token, f"{token}x", token):
                await redeem(client, token=sent, code=code)
                await redeem(client, token=sent)
                await client.post("/api/keys/inspect", json={"token": sent})
                await client.get("/redeem", params={"token": sent, "code": code})
                await client.post("/api/session", json={"method": "link", "token": sent})
            logged.clock.forward(seconds=30)
            reset = await mailed(logged, "password_reset")
            await redeem(client, token=token_in(reset), secret=SECRET)
            await ask(client, "email_change", "new@example.org")
            await logged.mails()

            requests = await logged.access_log()

    text = str([*logs, *requests])
    assert "mail_sent" in {str(entry["event"]) for entry in logs}
    assert requests
    for secret in (code, token, token[4:], code_in(reset), token_in(reset), SECRET):
        assert secret not in text


async def test_no_table_holds_a_mailed_code_or_token(app: RunningApp) -> None:
    await app.user()
    message = await mailed(app, "sign_in")
    tables = await app.resources.database.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    for (table,) in tables:
        rows = await app.resources.database.pool.fetch(f'SELECT t::text AS row FROM "{table}" t')  # noqa: S608 # names from the catalogue
        text = "\n".join(row["row"] for row in rows)
        assert code_in(message) not in text
        assert token_in(message)[4:] not in text


async def test_error_answers_do_not_repeat_a_code(app: RunningApp) -> None:
    await app.user()
    code = code_in(await mailed(app, "sign_in"))

    answer = await redeem(app.client(), purpose="sign_in", email="ada@example.org", code=wrong(code))
    malformed = await redeem(app.client(), purpose="sign_in", email="ada@example.org", code=f"{code}x")

    assert code not in answer.text + malformed.text
