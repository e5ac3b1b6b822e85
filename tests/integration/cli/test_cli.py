"""The `ostiary` command: its effects, its output, its exit codes, and one line for each mistake."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli.main import cli
from tests.support.commands import Done, Run, execute, settings

OSTIARY = Path(sys.executable).with_name("ostiary")
COMMANDS = (
    "serve", "setup", "users list", "users create", "users suspend", "users restore", "users grant-admin",
    "users revoke-admin", "service-accounts list", "service-accounts create", "service-accounts suspend",
    "service-accounts restore", "service-accounts list-keys", "service-accounts create-key",
    "service-accounts revoke-key", "languages list", "languages import", "database upgrade", "database current",
    "policy show", "policy explain", "policy decide", "policy test", "jobs list", "jobs retry", "jobs discard",
    "signing-keys list", "signing-keys rotate", "work",
)  # fmt: skip


def users(run: Run) -> dict[str, tuple[str, ...]]:
    """Name, role and status by address."""
    done = run("users", "list")
    assert done.code == 0, done
    return {fields[1]: tuple(fields[2:]) for fields in (line.split("\t") for line in done.out)}


def paths(command: click.Command, prefix: str = "") -> Iterator[str]:
    """The paths of all commands of a group, such as `users list`."""
    if not isinstance(command, click.Group):
        yield prefix.strip()
        return
    for name, child in command.commands.items():
        yield from paths(child, f"{prefix} {name}")


def test_every_command_has_help_and_is_listed_in_this_file(run: Run) -> None:
    assert sorted(paths(cli)) == sorted(COMMANDS)
    assert run("--version").out[0].startswith("ostiary, version ")
    for command in ("", "users", "service-accounts", "languages", "database", "policy", *COMMANDS):
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
def test_wrong_usage_exits_with_2_and_prints_the_usage(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, [])
    assert done.err[0].startswith("Usage: ostiary")
    assert done.err[-1].startswith("Error: ")


def test_each_invalid_setting_gets_one_line_that_names_the_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(monkeypatch, PORT="many", WORKERS="0", COOKIE_HOST_PREFIX="perhaps")
    names = [line.split(":")[0] for line in run("users", "list").mistakes]
    assert sorted(names) == ["COOKIE_HOST_PREFIX", "PORT", "WORKERS"]
    assert run("serve").code == 1


@pytest.mark.usefixtures("database")
def test_setup_prints_a_link_until_there_is_a_platform_admin(run: Run) -> None:
    done = run("setup")
    assert done.code == 0
    (line,) = done.out
    assert line.startswith("Setup link: http://localhost:8000/redeem#token=osk_")
    assert run("setup").out != done.out
    run("users", "create", "ada@example.org", "--admin")
    assert run("setup").mistakes == ["a platform admin exists already: use `ostiary users grant-admin EMAIL`"]


@pytest.mark.usefixtures("database")
def test_a_user_is_created_suspended_restored_and_made_a_platform_admin(run: Run) -> None:
    created = run("users", "create", "Ada@Example.org", "--name", "Ada")
    assert created.code == 0
    assert created.out[0].startswith("Invitation link: http://localhost:8000/redeem#token=osk_")
    assert users(run) == {"Ada@example.org": ("Ada", "-", "active")}

    assert run("users", "suspend", "ada@example.org").out == ["ada@example.org is suspended"]
    assert users(run) == {"Ada@example.org": ("Ada", "-", "suspended")}
    assert run("users", "restore", "ADA@example.org").code == 0
    assert run("users", "grant-admin", "ada@example.org").out == ["ada@example.org is a platform admin"]
    assert users(run) == {"Ada@example.org": ("Ada", "admin", "active")}


@pytest.mark.usefixtures("database")
def test_the_last_platform_admin_cannot_be_suspended_or_lose_the_role(run: Run) -> None:
    run("users", "create", "ada@example.org", "--admin")
    for command in ("suspend", "revoke-admin"):
        assert run("users", command, "ada@example.org").mistakes == ["Make another user a platform admin first."]
    assert users(run) == {"ada@example.org": ("", "admin", "active")}
    run("users", "create", "ben@example.org", "--admin")
    assert run("users", "revoke-admin", "ada@example.org").out == ["ada@example.org is no platform admin"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("command", ["suspend", "restore", "grant-admin", "revoke-admin"])
def test_an_unknown_user_is_reported_in_one_line(run: Run, command: str) -> None:
    assert run("users", command, "nobody@example.org").mistakes == ["There is no user with this address."]
    assert run("users", command, "nobody").mistakes == ["email: This is not an email address"]


@pytest.mark.usefixtures("database")
def test_the_name_of_a_new_user_has_the_form_that_the_api_demands(run: Run) -> None:
    for name, reason in {" ": "A name needs a visible character", "x" * 201: "At most 200 characters"}.items():
        done = run("users", "create", "ada@example.org", "--name", name)
        assert (done.code, done.mistakes) == (1, [f"name: {reason}"])
    assert users(run) == {}


@pytest.mark.usefixtures("database")
def test_an_address_has_one_user(run: Run) -> None:
    run("users", "create", "ada@example.org")
    assert run("users", "create", "ADA@example.org").mistakes == ["There is a user with this address already."]
    assert len(users(run)) == 1


def test_control_characters_in_names_and_addresses_are_printed_escaped(run: Run, database: str) -> None:
    run("users", "create", "ada@example.org", "--name", "Ada")
    execute(database, "UPDATE users SET name = E'A\\x1b[2J\\td\\na'")
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
def test_each_invalid_line_of_a_file_gets_one_line_and_nothing_is_imported(run: Run, tmp_path: Path) -> None:
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


def test_lists_of_more_rows_than_one_page_are_printed_completely(run: Run, database: str) -> None:
    execute(
        database,
        "INSERT INTO languages SELECT 'x-' || n, 'n', 'n', 'ltr', now() FROM generate_series(1, 450) n;"
        "INSERT INTO users (id, email, created_at, updated_at)"
        " SELECT gen_random_uuid(), n || '@example.org', now(), now() FROM generate_series(1, 450) n",
    )
    assert len(set(run("languages", "list").out)) == 450
    assert len(users(run)) == 450


def test_the_installed_command_reports_a_mistake_in_one_line_and_exits_with_1(database: str) -> None:
    unknown = subprocess.run(
        [OSTIARY, "users", "suspend", "nobody@example.org"],
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "ostiary: There is no user with this address.\n"


def test_a_closed_pipe_ends_the_command_without_an_error_message(database: str) -> None:
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
