"""`ostiary service-accounts`: an operator makes accounts and keys, sees their use, and ends them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from app.clock import utc_now
from tests.support.commands import Run

pytestmark = pytest.mark.usefixtures("database")


def test_an_operator_makes_and_revokes_a_key(run: Run) -> None:
    (account_id,) = run("service-accounts", "create", "Nightly export").out
    (token,) = run("service-accounts", "create-key", account_id, "Build server", "--days", "2").out
    assert token.startswith("ost_key_")
    assert run("service-accounts", "list").out == [f"{account_id}\tNightly export\tactive\t-"]

    (line,) = run("service-accounts", "list-keys", account_id).out
    key_id, name, expiry, used = line.split("\t")
    assert (name, used) == ("Build server", "-")
    assert expiry[:10] == f"{utc_now() + timedelta(days=2):%Y-%m-%d}"
    assert run("users", "list").out == []

    assert run("service-accounts", "revoke-key", account_id, key_id).out == [f"{key_id} is revoked"]
    assert run("service-accounts", "list-keys", account_id).out == []


def test_an_operator_suspends_and_restores_an_account(run: Run) -> None:
    (account_id,) = run("service-accounts", "create", "Nightly export").out
    assert run("service-accounts", "suspend", account_id).out == [f"{account_id} is suspended"]
    assert run("service-accounts", "list").out == [f"{account_id}\tNightly export\tsuspended\t-"]
    assert run("service-accounts", "restore", account_id).out == [f"{account_id} is active"]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("create-key", ["Build"]), ("revoke-key", [str(uuid4())]), ("list-keys", []), ("suspend", []), ("restore", [])],
)
def test_an_unknown_account_is_one_line_and_exit_code_1(run: Run, command: str, arguments: list[str]) -> None:
    done = run("service-accounts", command, str(uuid4()), *arguments)
    assert (done.code, done.out, len(done.err)) == (1, [], 1)


@pytest.mark.parametrize("days", ["0", "401", "many"])
def test_a_lifetime_out_of_range_is_wrong_usage(run: Run, days: str) -> None:
    assert run("service-accounts", "create-key", str(uuid4()), "Build", "--days", days).code == 2
