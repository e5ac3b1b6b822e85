"""Table flooding: strangers' requests without end fill the tables of jobs, limits and audit events."""

from uuid import UUID

import msgspec
import pytest

from app.asgi import TABLES
from app.audit import LISTED_MAX, OPERATOR, Actor, record
from app.domain.flows.request_key import REQUEST_LIFETIME
from tests.support.app import CREDENTIALS, RunningApp
from tests.support.mailbox import ask

EVENTS = "SELECT detail, ip FROM audit_events WHERE action = 'key.issue' AND subject = $1 ORDER BY id"
JOBS = "SELECT count(*) FROM jobs WHERE kind = 'issue_key'"


async def sizes(app: RunningApp) -> dict[str, int]:
    """The number of rows of each table."""
    pool = app.resources.database.pool
    return {table: await pool.fetchval(f'SELECT count(*) FROM "{table}"') for table in TABLES.tables}  # noqa: S608


async def test_refused_requests_leave_no_row(app: RunningApp) -> None:
    client = app.client()
    while (await ask(client, "sign_in", "first@example.org")).status_code != 429:
        app.clock.forward(seconds=1)
    before = await sizes(app)
    for number in range(20):
        answer = await ask(client, "sign_in", "first@example.org")
        assert answer.status_code == 429
        assert (await client.post("/api/keys", json={"purpose": "sign_in", "email": number})).status_code == 422
        assert (await client.post("/api/keys/redeem", json={"token": "osk_" + "0" * 43})).status_code == 410
    assert await sizes(app) == before


@pytest.mark.parametrize("email", ["nobody@example.org", "ada@example.org"])
async def test_a_request_for_a_key_leaves_no_job_of_its_own(app: RunningApp, email: str) -> None:
    await app.user()
    assert (await ask(app.client(), "sign_in", email)).status_code == 202
    assert await app.resources.database.pool.fetchval(JOBS) == 1
    assert len(await app.mails()) == (1 if email == CREDENTIALS["email"] else 0)
    assert await app.resources.database.pool.fetchval(JOBS) == 0


async def test_a_request_that_is_too_late_leaves_no_job(app: RunningApp) -> None:
    await app.user()
    assert (await ask(app.client(), "sign_in")).status_code == 202
    app.clock.forward(seconds=REQUEST_LIFETIME.total_seconds())
    assert await app.mails() == []
    assert await app.resources.database.pool.fetchval(JOBS) == 0


async def issue(app: RunningApp, actor: Actor, subject: str, times: int) -> None:
    """Record that a key was issued, so many times, each in its own transaction as a job does."""
    async with app.resources.database.transaction() as transaction:
        for _ in range(times):
            await record(actor, transaction, "key.issue", subject, detail={"purpose": "sign_in"})


async def counts(app: RunningApp, subject: str) -> list[int]:
    """For how many keys each event of the subject stands."""
    rows = await app.resources.database.pool.fetch(EVENTS, subject)
    details = [msgspec.json.decode(row["detail"]) for row in rows]
    assert {detail["purpose"] for detail in details} <= {"sign_in"}
    return [detail.get("count", 1) for detail in details]


async def test_what_strangers_cause_is_counted_past_a_limit_and_not_listed_one_by_one(app: RunningApp) -> None:
    stranger = Actor(ip="192.0.2.1")
    await issue(app, stranger, "user:ada", LISTED_MAX)
    assert await counts(app, "user:ada") == [1] * LISTED_MAX
    await issue(app, stranger, "user:ada", 4 * LISTED_MAX)
    assert await counts(app, "user:ada") == [1] * LISTED_MAX + [LISTED_MAX, 2 * LISTED_MAX]

    await issue(app, stranger, "user:eve", 1)
    assert await counts(app, "user:eve") == [1]


async def test_keys_of_nobody_are_counted_together(app: RunningApp) -> None:
    for number in range(LISTED_MAX + 10):
        await issue(app, Actor(ip="192.0.2.1"), f"key:{number}", 1)
    assert sum([len(await counts(app, f"key:{number}")) for number in range(LISTED_MAX + 10)]) == LISTED_MAX


async def test_the_next_hour_is_listed_again(app: RunningApp) -> None:
    await issue(app, Actor(ip="192.0.2.1"), "user:ada", LISTED_MAX + 1)
    await app.resources.database.pool.execute("UPDATE rate_limits SET expires_at = now()")
    await issue(app, Actor(ip="192.0.2.1"), "user:ada", 1)
    assert await counts(app, "user:ada") == [1] * (LISTED_MAX + 1)


@pytest.mark.parametrize("actor", [OPERATOR, Actor(user_id=UUID(int=1), ip="192.0.2.1")], ids=["operator", "user"])
async def test_what_operators_and_users_do_is_listed_one_by_one(app: RunningApp, actor: Actor) -> None:
    await issue(app, actor, "user:ada", LISTED_MAX + 5)
    assert await counts(app, "user:ada") == [1] * (LISTED_MAX + 5)
