"""Pools and hash processes are sized from the number of workers, the database's limit and the cores."""

import asyncpg
import pytest

from app.postgres.database import Database
from app.server.databases import SPARE_CONNECTIONS, database_connections, fitted_to_database
from app.settings.load import load
from tests.conftest import make_database

ALLOWED = 97  # of the default of 100


@pytest.mark.parametrize(("workers", "size"), [(1, 16), (2, 16), (3, 12), (4, 9), (8, 4), (16, 2), (40, 2)])
async def test_the_pools_of_all_workers_fit_into_the_connections_that_a_role_may_have(
    server_url: str, workers: int, size: int
) -> None:
    url = await make_database(server_url, f"sized{workers}")
    connection = await asyncpg.connect(url)
    name = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT {ALLOWED}")
    await connection.close()
    async with Database(url, 2).connected() as database:
        fitted = await fitted_to_database(load({"DATABASE_URL": url, "WORKERS": str(workers)}), database)
    assert fitted.pool_size == size
    assert size == 2 or workers * database_connections(fitted) <= ALLOWED - SPARE_CONNECTIONS


async def test_a_size_that_is_set_stays(server_url: str) -> None:
    url = await make_database(server_url, "sized_by_hand")
    async with Database(url, 2).connected() as database:
        settings = load({"DATABASE_URL": url, "WORKERS": "8", "DATABASE_POOL_SIZE": "40"})
        assert await fitted_to_database(settings, database) == settings


def test_all_workers_together_have_a_hash_process_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(6))
    sizes = {workers: load({"WORKERS": str(workers)}).hash_processes for workers in (1, 2, 4, 6, 12)}
    assert sizes == {1: 6, 2: 3, 4: 1, 6: 1, 12: 1}
    assert load({"HASH_CONCURRENCY": "3"}).hash_processes == 3
