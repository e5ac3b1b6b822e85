"""A database that the `ostiary` command cannot use is reported in one line, without a password."""

import pytest

from tests.support.commands import HEAD, Done, Run, execute, settings


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@127.0.0.1:1/postgres",
        "postgresql://postgres@no-such-host.invalid/postgres",
        "postgresql://postgres@/postgres?host=/nowhere",
        "postgresql://someone:swordfish/1@127.0.0.1/postgres",
        "postgresql://someone:swordfish@127.0.0.1/postgres?sslmode=perhaps",
        "postgresql://someone:swordfish@127.0.0.1:1,127.0.0.1:2/postgres",
        "postgresql://someone:swordfish@127.0.0.1/postgres?target_session_attrs=standby",
        "postgresql://someone:swordfish@127.0.0.1/postgres?connect_timeout=swordfish",
        "mysql://someone:swordfish@127.0.0.1/ostiary",
    ],
)
def test_an_unreachable_database_is_reported_in_one_line_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    settings(monkeypatch, DATABASE_URL=url)
    for command in (("users", "list"), ("serve",)):
        (line,) = run(*command).mistakes
        assert line.startswith("DATABASE_URL: ")
        assert "swordfish" not in line


def test_a_parameter_that_the_server_does_not_know_is_reported_in_one_line(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{database}{'&' if '?' in database else '?'}sslmood=swordfish")
    for command in (("users", "list"), ("serve",)):
        (line,) = run(*command).mistakes
        assert line.startswith("DATABASE_URL: ")
        assert "sslmood" in line
        assert "swordfish" not in line


def test_a_missing_database_is_reported_in_one_line(run: Run, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database.replace("/cli_", "/missing_"))
    (line,) = run("database", "current").mistakes
    assert "does not exist" in line


@pytest.mark.usefixtures("unmigrated")
def test_a_database_that_is_not_migrated_is_reported_in_one_line(run: Run) -> None:
    advice = f"the database has no tables yet, this version needs {HEAD}: run `ostiary database upgrade`"
    for command in ("setup", "users list", "users create a@example.org", "languages list"):
        assert run(*command.split()).mistakes == [advice]
    assert run("database", "current").out == ["empty"]
    assert run("database", "upgrade") == Done(0, [f"The database is at {HEAD}"], [])
    assert run("database", "current").out == [HEAD]
    assert run("users", "list") == Done(0, [], [])


def test_a_database_of_a_newer_version_is_reported_in_one_line_and_not_changed(run: Run, database: str) -> None:
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    (line,) = run("users", "list").mistakes
    assert line.startswith(f"the database is at revision 9999, this version needs {HEAD}")
    for command in (("database", "upgrade"), ("serve",)):
        (line,) = run(*command).mistakes
        assert line.startswith("the database was migrated by another version of ostiary: ")
    assert run("database", "current").out == ["9999"]


def test_a_statement_that_the_database_refuses_is_reported_in_one_line(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{database}{'&' if '?' in database else '?'}default_transaction_read_only=on")
    (line,) = run("users", "create", "ada@example.org").mistakes
    assert line == "the database refused: cannot execute INSERT in a read-only transaction"


@pytest.mark.usefixtures("database")
def test_a_postgresql_that_is_too_old_is_reported_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No old PostgreSQL is available here: the test raises the required version above the installed one."""
    monkeypatch.setattr("app.server.databases.OLDEST_POSTGRES", 99)
    (line,) = run("users", "list").mistakes
    assert line.startswith("DATABASE_URL: PostgreSQL 99 or newer is needed, this is ")
