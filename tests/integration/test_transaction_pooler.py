"""The service works behind a transaction pooler, where each transaction may run on another connection of the server."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from app.domain.flows.request_key import JOB_DELAY_MAX
from app.postgres import migrate
from app.postgres.database import Database
from tests.conftest import make_database
from tests.support.app import CREDENTIALS, RunningApp, running, settings_for, until
from tests.support.pgbouncer import pgbouncer

CLIENTS = 10
ROUNDS = 3
MAILED = "SELECT EXISTS (SELECT FROM jobs WHERE kind = 'mail' AND state = 'done')"


@pytest.fixture
def pooled_url(app: RunningApp) -> Iterator[str]:
    """The URL of the database of the fixture `app`, through PgBouncer."""
    with pgbouncer(app.settings.database_url or "") as url:
        yield url


@pytest.fixture
async def pooled_app(app: RunningApp, pooled_url: str) -> AsyncIterator[RunningApp]:
    """The service on PgBouncer, with jobs that run."""
    settings = settings_for(pooled_url, DATABASE_POOLER="transaction", RUN_JOBS="on", DATABASE_POOL_SIZE="8")
    async with running(settings, app.clock) as pooled:
        yield pooled


async def test_the_service_signs_in_lists_writes_and_mails_behind_a_transaction_pooler(pooled_app: RunningApp) -> None:
    admin = await pooled_app.signed_in("root@example.org", admin=True)
    await pooled_app.user()

    async def use(number: int) -> None:
        client = pooled_app.client(ip=f"192.0.2.{number}")
        for turn in range(ROUNDS):
            assert (await client.post("/api/session", json=CREDENTIALS)).status_code == 201
            assert (await client.get("/api/session")).json()["user"]
            code = f"de-x-{chr(97 + number)}{turn}"
            created = await admin.post("/api/languages", json={"code": code, "name": "German"})
            assert created.status_code == 201, created.text
            assert (await admin.get("/api/languages")).status_code == 200
            assert (await admin.patch(f"/api/languages/{code}", json={"name": "Other"})).status_code == 200
            assert (await admin.get("/api/users", params={"search": "ada"})).status_code == 200

    await asyncio.gather(*(use(number) for number in range(CLIENTS)))
    assert (await pooled_app.client().get("/health/ready")).status_code == 200

    asked = await pooled_app.client().post("/api/keys", json={"purpose": "sign_in", "email": "ada@example.org"})
    assert asked.status_code == 202
    pooled_app.clock.now += JOB_DELAY_MAX
    async with asyncio.timeout(10):
        await until(lambda: pooled_app.resources.database.pool.fetchval(MAILED))


async def test_migrations_and_commands_run_through_a_transaction_pooler(server_url: str) -> None:
    with pgbouncer(await make_database(server_url, "pooled")) as url:
        for _ in range(2):
            async with Database(f"{url}?pgbouncer=true", 2).connected() as database:
                await migrate.upgrade(database.engine)
                await migrate.require_current(database.engine)
                assert not database.notifies
