"""Secrets in logs: a repr, log line or answer holds a password, token or hash."""

from collections.abc import Iterable, MutableMapping

import msgspec
import pytest
import structlog
from structlog.processors import format_exc_info
from structlog.testing import capture_logs

from app.domain.flows.repository import PrimaryKey
from app.domain.flows.schemas import NewSecret, RedeemKeyInput
from app.domain.flows.sign_in.code import CodeSignIn
from app.domain.flows.sign_in.password import PasswordProof, PasswordSignIn
from app.domain.sessions.service import StartedSession
from tests.support.app import CREDENTIALS, SECRET, START, Clock, RunningApp, problem, running, settings_for

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


@pytest.mark.parametrize("kind", [PasswordSignIn, PasswordProof, CodeSignIn, NewSecret, RedeemKeyInput])
def test_the_repr_of_a_request_body_holds_no_secret(kind: type[msgspec.Struct]) -> None:
    fields = {"email": "ada@example.org", "secret": SECRET, "token": "osk_token", "name": "Ada", "code": "31415926"}
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    tag = {"method": kind.__struct_config__.tag} if kind.__struct_config__.tag_field else {}
    body = msgspec.convert({name: value for name, value in fields.items() if name in known} | tag, kind)

    text = f"{body!r} {body} {[body]}"

    assert SECRET not in text
    assert "osk_token" not in text
    assert "31415926" not in text


def test_the_repr_of_sessions_and_keys_holds_no_token_and_no_hash() -> None:
    text = f"{StartedSession('ost_token', 60, START)!r} {msgspec.convert(_primary_key(), PrimaryKey)!r}"

    assert "ost_token" not in text
    assert "argon2" not in text


def _primary_key() -> dict[str, str | None]:
    return {
        "id": "00000000-0000-7000-8000-000000000001",
        "user_id": "00000000-0000-7000-8000-000000000002",
        "email": "ada@example.org",
        "locale": None,
        "last_seen_at": None,
        "secret_hash": HASH,
        "status": "active",
        "platform_role": None,
        "devices_since": None,
    }


def _rendered(lines: Iterable[MutableMapping[str, object]]) -> str:
    """The log lines as text, tracebacks included."""
    return "".join(str(format_exc_info(structlog, "error", dict(line))) for line in lines)


async def test_a_failing_statement_is_logged_without_its_parameters(app: RunningApp) -> None:
    await app.user()
    pool = app.resources.database.pool
    await pool.execute("ALTER TABLE sessions RENAME COLUMN user_agent TO hidden")
    try:
        with capture_logs() as lines:
            answer = await app.client(**{"User-Agent": "reader"}).post("/api/session", json=CREDENTIALS)
    finally:
        await pool.execute("ALTER TABLE sessions RENAME COLUMN hidden TO user_agent")

    logged = _rendered(lines)
    assert problem(answer)["code"] == "internal_error"
    assert "UndefinedColumnError" in logged
    for submitted in (SECRET, "ost_", "argon2id$", "reader", "ada@example.org", app.clock().isoformat(" ")):
        assert submitted not in logged


async def test_no_answer_and_no_log_line_repeats_a_submitted_secret(app: RunningApp, database_url: str) -> None:
    await app.user()
    token = await app.invitation()
    submitted = "hunter2-hunter2-hunter2"
    async with running(settings_for(database_url, ACCESS_LOG="on"), Clock()) as logged_app:
        client = logged_app.client(Authorization=f"Bearer {submitted}")
        with capture_logs() as lines:
            answers = [
                await client.post("/api/session", json={**CREDENTIALS, "secret": submitted}),
                await client.post("/api/session", json={**CREDENTIALS, "secret": submitted, "other": submitted}),
                await client.post("/api/session", content=f'{{"secret": "{submitted}'),
                await client.post(
                    "/api/session", json={"method": submitted, "email": submitted, "secret": submitted * 100}
                ),
                await client.post("/api/keys/redeem", json={"token": token, "name": "Eve", "secret": submitted[:14]}),
                await client.post("/api/keys/redeem", json={"token": submitted, "name": "Eve", "secret": submitted}),
                await client.get(f"/api/session?token={submitted}"),
                await client.get(f"/api/nowhere?token={submitted}"),
                await client.get(f"/api/languages?limit={submitted}&cursor={submitted}"),
            ]
            requests = await logged_app.access_log()

    logged = _rendered([*lines, *requests])
    assert len(requests) == len(answers)
    assert submitted not in logged
    assert token not in logged
    assert not any(submitted in answer.text for answer in answers)
    assert not any(submitted in str(answer.headers) for answer in answers)


async def test_no_answer_holds_a_hash(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.invitation()

    texts = [
        (await admin.get(path)).text for path in ("/api/session", "/api/sessions", "/api/keys", "/api/openapi.json")
    ]

    hashes = await app.resources.database.pool.fetch(
        "SELECT secret_hash AS hash FROM keys WHERE secret_hash IS NOT NULL UNION ALL SELECT identifier FROM keys"
        " WHERE kind = 'single_use' UNION ALL SELECT encode(token_hash, 'hex') FROM sessions"
    )
    assert len(hashes) == 3
    assert not any(row["hash"] in text for row in hashes for text in texts)
