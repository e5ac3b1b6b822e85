"""The embedded PostgreSQL: one holder at a time, any directory, and never a process that is not its own."""

import asyncio
import os
import stat
import subprocess
from pathlib import Path

import asyncpg
import pytest

from app.postgres.embedded import DataDirInUseError, EmbeddedPostgresError, embedded_postgres, reach_embedded_postgres


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "name", ["plain", """it's "quoted" $HOME `id`, 100%;""", "ほん/" + "long " * 30], ids=["plain", "quoted", "long"]
)
def test_the_server_runs_in_any_directory_and_keeps_what_it_is_given(work_dir: Path, name: str) -> None:
    data_dir = work_dir / name
    with embedded_postgres(data_dir, max_connections=77) as dsn:
        assert asyncio.run(ask(dsn, "SHOW max_connections")) == "77"
        assert asyncio.run(ask(dsn, "SHOW listen_addresses")) == ""
        assert asyncio.run(ask(dsn, "CREATE TABLE kept AS SELECT 1 AS n")) is None
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    with reach_embedded_postgres(data_dir) as dsn:
        assert asyncio.run(ask(dsn, "SELECT n FROM kept")) == 1


def test_nobody_else_may_read_the_data(work_dir: Path) -> None:
    with embedded_postgres(work_dir / "data"):
        assert stat.S_IMODE((work_dir / "data" / "postgres").stat().st_mode) == 0o700
        for directory in (work_dir / "data", work_dir):
            assert not directory.stat().st_mode & 0o066, "the directories above can be passed through, not read"


def test_the_number_of_a_dead_server_is_taken_by_another_process_which_is_left_alone(work_dir: Path) -> None:
    with embedded_postgres(work_dir):
        pass
    cluster = work_dir / "postgres"
    with subprocess.Popen(["sleep", "60"], user=cluster.stat().st_uid if os.geteuid() == 0 else None) as innocent:
        lines = f"{innocent.pid}\n{cluster}\n1767225600\n5432\n{cluster}\n\n  1234567    123456\nready   \n"
        (cluster / "postmaster.pid").write_text(lines)
        (cluster / ".s.PGSQL.5432.lock").write_text(lines)
        with embedded_postgres(work_dir) as dsn:
            assert asyncio.run(ask(dsn, "SELECT 1")) == 1
        assert innocent.poll() is None
        innocent.kill()


def test_a_half_made_cluster_is_made_anew(work_dir: Path) -> None:
    (work_dir / "postgres.unfinished" / "base").mkdir(parents=True)
    with embedded_postgres(work_dir) as dsn:
        assert asyncio.run(ask(dsn, "SELECT 1")) == 1


def test_a_server_that_cannot_start_is_told_in_one_line_and_its_log_is_named(work_dir: Path) -> None:
    with embedded_postgres(work_dir):
        pass
    (work_dir / "postgres" / "postgresql.conf").write_text("nonsense\n")
    with (
        pytest.raises(EmbeddedPostgresError, match=rf"did not start: see {work_dir}/postgres\.log$"),
        embedded_postgres(work_dir),
    ):
        pytest.fail("it started")


def test_a_data_dir_that_is_no_directory_is_told_in_one_line(work_dir: Path) -> None:
    (work_dir / "file").write_text("")
    for data_dir in (work_dir / "file", work_dir / "file" / "below"):
        with pytest.raises(EmbeddedPostgresError, match=r"^DATA_DIR: .*file") as caught, embedded_postgres(data_dir):
            pytest.fail("it started")
        assert not isinstance(caught.value, DataDirInUseError)


def test_an_error_of_the_work_itself_is_not_taken_for_one_of_the_server(work_dir: Path) -> None:
    with pytest.raises(FileNotFoundError), embedded_postgres(work_dir):
        (work_dir / "missing").read_text()
