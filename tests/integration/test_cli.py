"""The `ostiary` command: what it does, what it prints, its exit codes, and one line for each mistake."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import click
import pytest
from alembic.script import ScriptDirectory

from app import migrate
from app.cli import cli, main
from app.database import Database
from tests.conftest import EMPTY, make_database
from tests.world import FAST_HASHES

OSTIARY = Path(sys.executable).with_name("ostiary")
HEAD = ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head()
COMMANDS = (
    "serve", "setup", "users list", "users create", "users suspend", "users restore", "users grant-admin",
    "users revoke-admin", "languages list", "languages import", "database upgrade", "database current",
    "policy show", "policy explain", "policy decide", "policy test", "jobs list", "jobs retry", "jobs discard", "work",
)  # fmt: skip


class Done(NamedTuple):
    code: int
    out: list[str]
    err: list[str]

    @property
    def mistakes(self) -> list[str]:
        """What a failed command says, without the prefix that each line has."""
        assert (self.code, self.out) == (1, []), self
        assert all(line.startswith("ostiary: ") for line in self.err), self.err
        return [line.removeprefix("ostiary: ") for line in self.err]


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process: a process of its own takes a second to start."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["ostiary", *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        assert isinstance(code, int)
        return Done(code, out.splitlines(), err.splitlines())

    return run


@pytest.fixture(scope="session")
async def cli_url(server_url: str) -> str:
    url = await make_database(server_url, "cli")
    async with Database(url, 2).connected() as database:
        await migrate.upgrade(database.engine)
    return url


@pytest.fixture
def database(cli_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated and empty database, which the settings name."""
    execute(cli_url, EMPTY)
    settings(monkeypatch, DATABASE_URL=cli_url)
    yield cli_url
    execute(cli_url, f"UPDATE alembic_version SET version_num = '{HEAD}'")  # noqa: S608 # a constant


@pytest.fixture
def unmigrated(server_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database without a table."""
    url = asyncio.run(make_database(server_url, "cli_empty"))
    settings(monkeypatch, DATABASE_URL=url)
    return url


def settings(monkeypatch: pytest.MonkeyPatch, **environ: str) -> None:
    for name, value in {**FAST_HASHES, "DATA_DIR": "/nowhere/that/may/be/made", **environ}.items():
        monkeypatch.setenv(name, value)


def execute(url: str, statement: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(work())


def users(run: Run) -> dict[str, tuple[str, ...]]:
    """Name, role and status by address."""
    done = run("users", "list")
    assert done.code == 0, done
    return {fields[1]: tuple(fields[2:]) for fields in (line.split("\t") for line in done.out)}


def paths(command: click.Command, prefix: str = "") -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield prefix.strip()
        return
    for name, child in command.commands.items():
        yield from paths(child, f"{prefix} {name}")


def test_every_command_is_documented_and_held_by_this_file(run: Run) -> None:
    assert sorted(paths(cli)) == sorted(COMMANDS)
    assert run("--version").out[0].startswith("ostiary, version ")
    for command in ("", "users", "languages", "database", "policy", *COMMANDS):
        done = run(*command.split(), "--help")
        assert done.code == 0
        assert done.out[0].startswith(f"Usage: ostiary {command}".strip())
        assert done.out[2].strip(), f"{command} has no help"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["users", "fly"],
        ["users", "create"],
        ["users", "suspend", "a@b.org", "c@d.org"],
        ["serve", "--port", "1"],
    ],
)
def test_wrong_usage_exits_with_2_and_says_how_to_use_it(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, [])
    assert done.err[0].startswith("Usage: ostiary")
    assert done.err[-1].startswith("Error: ")


def test_each_bad_setting_gets_one_line_that_names_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(monkeypatch, PORT="many", WORKERS="0", COOKIE_HOST_PREFIX="perhaps")
    names = [line.split(":")[0] for line in run("users", "list").mistakes]
    assert sorted(names) == ["COOKIE_HOST_PREFIX", "PORT", "WORKERS"]
    assert run("serve").code == 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@127.0.0.1:1/postgres",
        "postgresql://postgres@no-such-host.invalid/postgres",
        "postgresql://postgres@/postgres?host=/nowhere",
        "postgresql://someone:swordfish/1@127.0.0.1/postgres",
        "postgresql://someone:swordfish@127.0.0.1/postgres?sslmode=perhaps",
        "mysql://someone:swordfish@127.0.0.1/ostiary",
    ],
)
def test_a_database_that_cannot_be_reached_is_told_in_one_line_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    settings(monkeypatch, DATABASE_URL=url)
    for command in (("users", "list"), ("serve",)):
        (line,) = run(*command).mistakes
        assert line.startswith("DATABASE_URL: ")
        assert "swordfish" not in line


def test_a_database_that_does_not_exist_is_told_in_one_line(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.replace("/cli_", "/missing_"))
    (line,) = run("database", "current").mistakes
    assert "does not exist" in line


@pytest.mark.usefixtures("unmigrated")
def test_a_database_that_is_not_migrated_is_told_in_one_line(run: Run) -> None:
    advice = f"the database has no tables yet, this version needs {HEAD}: run `ostiary database upgrade`"
    for command in ("setup", "users list", "users create a@example.org", "languages list"):
        assert run(*command.split()).mistakes == [advice]
    assert run("database", "current").out == ["empty"]
    assert run("database", "upgrade") == Done(0, [f"The database is at {HEAD}"], [])
    assert run("database", "current").out == [HEAD]
    assert run("users", "list") == Done(0, [], [])


def test_a_database_of_a_newer_version_is_left_alone(run: Run, database: str) -> None:
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    (line,) = run("users", "list").mistakes
    assert line.startswith(f"the database is at revision 9999, this version needs {HEAD}")
    for command in (("database", "upgrade"), ("serve",)):
        (line,) = run(*command).mistakes
        assert line.startswith("the database was migrated by another version of ostiary: ")
    assert run("database", "current").out == ["9999"]


def test_what_the_database_refuses_is_told_in_one_line(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{database}{'&' if '?' in database else '?'}default_transaction_read_only=on")
    (line,) = run("users", "create", "ada@example.org").mistakes
    assert line == "the database refused: cannot execute INSERT in a read-only transaction"


@pytest.mark.usefixtures("database")
def test_setup_prints_a_link_until_there_is_a_platform_admin(run: Run) -> None:
    done = run("setup")
    assert done.code == 0
    (line,) = done.out
    assert line.startswith("Setup link: http://127.0.0.1:8000/redeem#token=osk_")
    assert run("setup").out != done.out
    run("users", "create", "ada@example.org", "--admin")
    assert run("setup").mistakes == ["a platform admin exists already: use `ostiary users grant-admin EMAIL`"]


@pytest.mark.usefixtures("database")
def test_the_life_of_a_user(run: Run) -> None:
    created = run("users", "create", "Ada@Example.org", "--name", "Ada")
    assert created.code == 0
    assert created.out[0].startswith("Invitation link: http://127.0.0.1:8000/redeem#token=osk_")
    assert users(run) == {"Ada@example.org": ("Ada", "-", "active")}

    assert run("users", "suspend", "ada@example.org").out == ["ada@example.org is suspended"]
    assert users(run) == {"Ada@example.org": ("Ada", "-", "suspended")}
    assert run("users", "restore", "ADA@example.org").code == 0
    assert run("users", "grant-admin", "ada@example.org").out == ["ada@example.org is a platform admin"]
    assert users(run) == {"Ada@example.org": ("Ada", "admin", "active")}


@pytest.mark.usefixtures("database")
def test_the_last_platform_admin_stays(run: Run) -> None:
    run("users", "create", "ada@example.org", "--admin")
    for command in ("suspend", "revoke-admin"):
        assert run("users", command, "ada@example.org").mistakes == ["Make another user a platform admin first."]
    assert users(run) == {"ada@example.org": ("", "admin", "active")}
    run("users", "create", "ben@example.org", "--admin")
    assert run("users", "revoke-admin", "ada@example.org").out == ["ada@example.org is no platform admin"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("command", ["suspend", "restore", "grant-admin", "revoke-admin"])
def test_an_unknown_user_is_told_in_one_line(run: Run, command: str) -> None:
    assert run("users", command, "nobody@example.org").mistakes == ["There is no user with this address."]
    assert run("users", command, "nobody").mistakes == ["email: This is not an email address"]


@pytest.mark.usefixtures("database")
def test_an_address_has_one_user(run: Run) -> None:
    run("users", "create", "ada@example.org")
    assert run("users", "create", "ADA@example.org").mistakes == ["There is a user with this address already."]
    assert len(users(run)) == 1


@pytest.mark.usefixtures("database")
def test_a_name_that_commands_the_terminal_is_shown_and_not_obeyed(run: Run) -> None:
    run("users", "create", "ada@example.org", "--name", "A\x1b[2J\td\na")
    assert users(run)["ada@example.org"] == (r"A\x1b[2J\td\na", "-", "active")
    (line,) = run("users", "suspend", "x\n\x1b[2J@example.org").mistakes
    assert line.isprintable()


@pytest.mark.usefixtures("database")
def test_languages_are_imported_and_listed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "languages.csv"
    path.write_text("code,name,autonym\ndv,Divehi,ދިވެހި\nde,German,\n")
    assert run("languages", "import", str(path)) == Done(0, ["2 languages created"], [])
    assert run("languages", "list").out == ["de\tGerman\tDeutsch\tltr", "dv\tDivehi\tދިވެހި\trtl"]
    assert run("languages", "import", str(path)).mistakes == ["These exist already: dv, de"]


@pytest.mark.usefixtures("database")
def test_each_bad_line_of_a_file_gets_one_line_and_nothing_is_imported(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "languages.jsonl"
    path.write_text('{"code":"de","name":"German"}\nnonsense\n{"code":"fa","name":"Persian","a\\nb\\u001b":1}\n')
    first, second = run("languages", "import", str(path)).mistakes
    assert first == "line 2: not JSON"
    assert second.startswith("line 3: ")
    assert second.isprintable()
    assert run("languages", "list").out == []
    assert run("languages", "import", str(tmp_path / "missing.csv")).mistakes == [
        f"{tmp_path}/missing.csv: No such file or directory"
    ]


def test_more_rows_than_a_page_are_all_listed(run: Run, database: str) -> None:
    execute(
        database,
        "INSERT INTO languages SELECT 'x-' || n, 'n', 'n', 'ltr', now() FROM generate_series(1, 450) n;"
        "INSERT INTO users (id, email, created_at, updated_at)"
        " SELECT gen_random_uuid(), n || '@example.org', now(), now() FROM generate_series(1, 450) n",
    )
    assert len(set(run("languages", "list").out)) == 450
    assert len(users(run)) == 450


def test_the_installed_command_says_a_mistake_in_one_line_and_exits_with_1(database: str) -> None:
    unknown = subprocess.run(
        [OSTIARY, "users", "suspend", "nobody@example.org"],
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "ostiary: There is no user with this address.\n"


def test_a_reader_that_goes_away_ends_the_command_quietly(database: str) -> None:
    execute(
        database,
        "INSERT INTO languages SELECT 'x-' || n, repeat('n', 200), 'n', 'ltr', now() FROM generate_series(1, 2000) n",
    )
    done = subprocess.run(
        ["bash", "-c", '"$0" languages list | head -1', OSTIARY],
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


@pytest.mark.usefixtures("database")
def test_a_postgresql_that_is_too_old_is_told_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none at hand: the service asks for a newer one than there is."""
    monkeypatch.setattr("app.serving.OLDEST_POSTGRES", 99)
    (line,) = run("users", "list").mistakes
    assert line.startswith("DATABASE_URL: PostgreSQL 99 or newer is needed, this is ")
