"""The number of SQL statements of a request, counted on the real connections."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import pytest
from sqlalchemy import Connection, event

from app.domain.flows.repository import FIND_BY_ADDRESS, SIGN_IN
from app.domain.flows.request_key import issue_requested_key
from app.jobs.worker import Attempt
from tests.support.app import CREDENTIALS, SECRET, RunningApp
from tests.support.guesses import spend, verify_addresses
from tests.support.mailbox import ask, by_code, code_in, flow_of, mailed, token_in

# Counting and enqueueing the mail about a new device, after the answer, in the background.
OF_NEW_DEVICE = 3
LATEST_REQUEST = "SELECT * FROM jobs WHERE kind = 'issue_key' ORDER BY id DESC LIMIT 1"


@asynccontextmanager
async def direct_reads(app: RunningApp, logged: list[str]) -> AsyncIterator[None]:
    """Log every statement of every connection of the asyncpg pool, but for what asyncpg asks once about types."""
    pool = app.resources.database.pool
    connections = [await pool.acquire() for _ in range(pool.get_max_size())]

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        if "typeinfo_tree" not in query.query and "'jit'" not in query.query and "set_config" not in query.query:
            logged.append(query.query)

    for connection in connections:
        connection.add_query_logger(note)
        await pool.release(connection)
    yield
    connections = [await pool.acquire() for _ in range(pool.get_size())]
    for connection in connections:
        connection.remove_query_logger(note)
        await pool.release(connection)


@contextmanager
def transactions(app: RunningApp, logged: list[str]) -> Iterator[None]:
    """Log the BEGIN and every statement of each transaction of the SQLAlchemy engine."""
    engine = app.resources.database.engine.sync_engine

    def begin(_: Connection) -> None:
        logged.append("BEGIN")

    def execute(_: Connection, __: object, statement: str, *___: object) -> None:
        logged.append(statement)

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", execute)
    yield
    event.remove(engine, "begin", begin)
    event.remove(engine, "before_cursor_execute", execute)


@pytest.fixture
async def statements(app: RunningApp) -> AsyncIterator[list[str]]:
    """All statements that the service sends to its database, in order."""
    logged: list[str] = []
    with transactions(app, logged):
        async with direct_reads(app, logged):
            yield logged


def kind_of(statement: str) -> str:
    """What a statement of signing in with a password does."""
    kinds = {
        FIND_BY_ADDRESS: "find the key",
        "INSERT INTO rate_limits": "count the guess",
        SIGN_IN: "sign in",
        "UPDATE rate_limits": "take the guess back",
    }
    return next(kind for part, kind in kinds.items() if part in statement)


@pytest.mark.parametrize(
    ("path", "count", "again"),
    [("/api/session", 1, 0), ("/api/languages/de", 2, 0), ("/api/languages", 2, 1), ("/api/languages/da", 1, 0)],
)
async def test_an_authorised_read_is_one_statement_for_the_principal_and_one_for_the_data_unless_they_are_in_memory(
    app: RunningApp, statements: list[str], path: str, count: int, again: int
) -> None:
    user_id = await app.user()
    for code in ("de", "fi", "sv"):
        await app.language(code)
        await app.member(user_id, code, "admin", "translator")
    client = app.with_cookie(await app.token(user_id))
    statements.clear()
    await client.get(path)
    assert len(statements) == count, statements
    statements.clear()
    await client.get(path)
    assert len(statements) == again, statements


@pytest.mark.parametrize(
    "headers", [{}, {"Cookie": "auth_session=garbage"}, {"Authorization": "Bearer ost_short"}, {"Cookie": "theme=dark"}]
)
async def test_a_malformed_session_token_causes_no_statement(
    app: RunningApp, statements: list[str], headers: dict[str, str]
) -> None:
    client = app.client(**headers)
    assert (await client.get("/api/session")).status_code == 200
    assert (await client.get("/api/languages")).status_code == 401
    assert statements == []


async def test_a_refused_body_causes_only_the_statement_for_the_principal(
    app: RunningApp, statements: list[str]
) -> None:
    client = await app.signed_in(admin=True)
    statements.clear()
    assert (await client.post("/api/languages", json={"code": 1})).status_code == 422
    assert len(statements) == 1, statements


async def test_a_sign_in_by_password_is_three_statements_and_one_more_after_the_answer(
    app: RunningApp, statements: list[str]
) -> None:
    await app.user()
    client = app.client()
    for _ in ("a stranger", "a known device"):
        statements.clear()
        assert (await client.post("/api/session", json=CREDENTIALS)).status_code == 201
        signed_in = statements[:3]
        await app.resources.background.flush()

        assert [kind_of(statement) for statement in signed_in] == ["find the key", "count the guess", "sign in"]
        assert [kind_of(statement) for statement in statements[3:]] == ["take the guess back"]
        await client.delete("/api/session")


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
async def test_a_wrong_secret_is_two_statements_and_a_refused_guess_too(
    app: RunningApp, statements: list[str], email: str
) -> None:
    await app.user()
    for status in (401, 429):
        statements.clear()
        answer = await app.client().post("/api/session", json={**CREDENTIALS, "email": email, "secret": "wrong"})
        await app.resources.background.flush()

        assert answer.status_code == status
        assert [kind_of(statement) for statement in statements] == ["find the key", "count the guess"]
        await spend(app, "guess_by_account_strangers", email)


MAILED = {"code": lambda mail: by_code(code_in(mail)), "link": lambda mail: {"method": "link", "token": token_in(mail)}}
PROOFS = {
    "code": lambda mail: {"method": "code", "code": code_in(mail), "flow": flow_of("sign_in")},
    "password": lambda _: {"method": "password", "secret": SECRET},
}


@pytest.mark.parametrize(
    ("path", "method", "has_session", "most"),
    [
        ("/api/session", "code", False, 16),
        ("/api/session", "code", True, 17 + OF_NEW_DEVICE),
        ("/api/session", "link", False, 14),
        ("/api/session", "link", True, 15 + OF_NEW_DEVICE),
        ("/api/session/reauthentication", "code", True, 12),
        ("/api/session/reauthentication", "password", True, 8),
    ],
)
async def test_a_sign_in_by_mail_and_a_step_up_are_few_statements_with_those_after_the_answer(
    app: RunningApp, statements: list[str], path: str, method: str, has_session: bool, most: int
) -> None:
    user_id = await app.user()
    await verify_addresses(app)
    client = app.with_cookie(await app.token(user_id)) if has_session else app.client()
    body = (MAILED if path == "/api/session" else PROOFS)[method](await mailed(app, "sign_in"))
    await app.resources.background.flush()
    statements.clear()
    assert (await client.post(path, json=body)).status_code in (200, 201)
    await app.resources.background.flush()

    assert len(statements) <= most, statements


async def test_statements_in_transactions_are_counted_too(app: RunningApp, statements: list[str]) -> None:
    client = await app.signed_in()
    statements.clear()
    await client.delete("/api/session")
    assert [statement.split()[0] for statement in statements] == ["SELECT", "BEGIN", "WITH"]


async def test_asking_for_a_code_is_13_statements_in_the_request_and_its_job(
    app: RunningApp, statements: list[str]
) -> None:
    await app.user()
    for asked_before in (False, True):
        sent = {"flow": flow_of("sign_in")} if asked_before else {}
        app.clock.forward(seconds=30)
        statements.clear()
        assert (await ask(app.client(), "sign_in", **sent)).status_code == 202
        assert [statement.split()[0] for statement in statements] == ["WITH", "BEGIN", "INSERT"]
        job = await app.resources.database.pool.fetchrow(LATEST_REQUEST)
        assert job is not None
        statements.remove(LATEST_REQUEST)
        attempt = Attempt(job["id"], app.resources.secret_key.unseal(job["payload"]), job["created_at"])
        await issue_requested_key(app.resources, attempt)
        assert len(statements) <= 13, statements
        assert await app.mails()


@pytest.mark.parametrize("version", ["", "1"])
async def test_a_text_is_written_in_at_most_3_statements(app: RunningApp, statements: list[str], version: str) -> None:
    await app.language("de")
    client = await app.signed_in_member("de", "translator")
    path, new = "/api/languages/de/translations/greeting", {"If-None-Match": "*"}
    if version:
        assert (await client.put(path, json={"text": "Hallo"}, headers=new)).status_code == 201
    statements.clear()
    headers = {"If-Match": f'"{version}"'} if version else new
    answer = await client.put(path, json={"text": "Guten Tag"}, headers=headers)
    assert answer.is_success
    # With the one for the principal, unless it is in memory. A transaction has a COMMIT too, which is not logged.
    assert len(statements) + statements.count("BEGIN") <= 3, statements


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/reset", "/redeem", "/signed-out", "/nowhere", "/"])
async def test_a_page_for_somebody_who_is_not_signed_in_needs_no_statement(
    app: RunningApp, statements: list[str], path: str
) -> None:
    answer = await app.client().get(path, headers={"Accept": "text/html"})
    assert answer.status_code in (200, 303, 404)
    assert statements == []


async def test_the_page_of_a_link_that_belongs_to_nobody_yet_is_one_statement(
    app: RunningApp, statements: list[str]
) -> None:
    client = app.client()
    await client.post("/redeem/link", data={"token": await app.setup_token()})
    statements.clear()
    assert (await client.get("/redeem")).status_code == 200
    assert statements[0] == "BEGIN"
    assert len(statements) == 2
