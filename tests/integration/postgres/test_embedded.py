"""The embedded PostgreSQL runs in any directory, keeps its data private, and never stops a foreign process."""

import asyncio
import os
import stat
import subprocess
from pathlib import Path

import asyncpg
import pytest

from app.postgres.embedded import DataDirInUseError, EmbeddedPostgresError, embedded_postgres, reach_embedded_postgres


async def query_value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "name", ["plain", """it's "quoted" $HOME `id`, 100%;""", "ほん/" + "long " * 30], ids=["plain", "quoted", "long"]
)
def test_the_server_runs_in_any_directory_and_keeps_its_data(work_dir: Path, name: str) -> None:
    data_dir = work_dir / name
    with embedded_postgres(data_dir, max_connections=77) as dsn:
        assert asyncio.run(query_value(dsn, "SHOW max_connections")) == "77"
        assert asyncio.run(query_value(dsn, "SHOW listen_addresses")) == ""
        assert asyncio.run(query_value(dsn, "CREATE TABLE kept AS SELECT 1 AS n")) is None
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    with reach_embedded_postgres(data_dir) as dsn:
        assert asyncio.run(query_value(dsn, "SELECT n FROM kept")) == 1


def test_other_accounts_cannot_read_the_data(work_dir: Path) -> None:
    with embedded_postgres(work_dir / "data"):
        assert stat.S_IMODE((work_dir / "data" / "postgres").stat().st_mode) == 0o700
        for directory in (work_dir / "data", work_dir):
            assert not directory.stat().st_mode & 0o066, "other accounts can traverse, but not list or write"


def test_a_process_with_the_pid_of_a_dead_server_is_not_stopped(work_dir: Path) -> None:
    with embedded_postgres(work_dir):
        pass
    cluster = work_dir / "postgres"
    with subprocess.Popen(["sleep", "60"], user=cluster.stat().st_uid if os.geteuid() == 0 else None) as foreign:
        lines = f"{foreign.pid}\n{cluster}\n1767225600\n5432\n{cluster}\n\n  1234567    123456\nready   \n"
        (cluster / "postmaster.pid").write_text(lines)
        (cluster / ".s.PGSQL.5432.lock").write_text(lines)
        with embedded_postgres(work_dir) as dsn:
            assert asyncio.run(query_value(dsn, "SELECT 1")) == 1
        assert foreign.poll() is None
        foreign.kill()


def test_an_unfinished_cluster_is_created_again(work_dir: Path) -> None:
    (work_dir / "postgres.unfinished" / "base").mkdir(parents=True)
    with embedded_postgres(work_dir) as dsn:
        assert asyncio.run(query_value(dsn, "SELECT 1")) == 1


def test_a_server_that_cannot_start_fails_with_one_line_that_names_the_log(work_dir: Path) -> None:
    with embedded_postgres(work_dir):
        pass
    (work_dir / "postgres" / "postgresql.conf").write_text("nonsense\n")
    with (
        pytest.raises(EmbeddedPostgresError, match=rf"did not start: see {work_dir}/postgres\.log$"),
        embedded_postgres(work_dir),
    ):
        pytest.fail("it started")


def test_a_data_dir_that_is_not_a_directory_fails_with_one_line(work_dir: Path) -> None:
    (work_dir / "file").write_text("")
    for data_dir in (work_dir / "file", work_dir / "file" / "below"):
        with pytest.raises(EmbeddedPostgresError, match=r"^DATA_DIR: .*file") as caught, embedded_postgres(data_dir):
            pytest.fail("it started")
        assert not isinstance(caught.value, DataDirInUseError)


def test_an_error_inside_the_context_is_raised_unchanged(work_dir: Path) -> None:
    with pytest.raises(FileNotFoundError), embedded_postgres(work_dir):
        (work_dir / "missing").read_text()
