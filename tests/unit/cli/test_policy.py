"""`ostiary policy show`, `decide` and `test`, which need no database."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.ability.condition_parsing import OPERATORS
from app.cli.main import cli, main
from app.cli.policy import OPERATORS as WORDS_OF_OPERATORS
from app.guards.policy import NOTES, POLICY

# These commands must not use a database: nothing listens here, and no embedded server can be created.
NO_DATABASE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "DATA_DIR": "/proc/nowhere"}


def policy(*arguments: str, stdin: str | bytes | None = None) -> Result:
    result = CliRunner(env=NO_DATABASE).invoke(cli, ["policy", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_show_prints_every_line_of_the_policy_with_its_reason_and_the_notes() -> None:
    result = policy("show")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for number, row in enumerate(POLICY, 1):
        (line,) = [line for line in lines if line.startswith(f"{number} ")]
        assert row.who in line
        assert (row.which or "all") in line
        assert ("may not" in line) is row.forbidden
    assert sum("because: " in line for line in lines) == sum(row.reason is not None for row in POLICY)
    assert lines[-len(NOTES) :] == list(NOTES)
    assert "manage" not in result.stdout


def test_every_operator_of_the_engine_has_words_in_explanations() -> None:
    assert WORDS_OF_OPERATORS.keys() == OPERATORS


def test_decide_answers_every_line_and_continues_after_an_invalid_line() -> None:
    case = {"rules": [["read", "X"]], "checks": [{"action": "read", "subjectType": "X"}]}
    result = policy("decide", stdin=f"{json.dumps(case)}\n\nnope\n{json.dumps(case)}")
    assert result.exit_code == 0
    first, bad, last = map(json.loads, result.stdout.splitlines())
    assert first == last == {"decisions": [{"allowed": True, "rule": 0, "reason": None}]}
    assert bad.keys() == {"error"}


def test_decide_answers_a_line_before_it_reads_the_next() -> None:
    program = [sys.executable, "-c", "from app.cli.main import main; main()", "policy", "decide"]
    with subprocess.Popen(
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **NO_DATABASE, "PYTHONUNBUFFERED": ""},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(b'{"rules": [], "checks": []}\n')
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 20)[0], "no answer while standard input is open"
            assert process.stdout.readline() == b'{"decisions":[]}\n'
        process.stdin.close()
        assert process.wait(10) == 0


def test_expectations_that_hold_exit_with_0(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("- {who: user, action: read, subject: [own User, own Key], allowed: yes}")
    result = policy("test", str(file))
    assert (result.exit_code, result.stdout) == (0, "All 2 answers are as expected\n")


def test_expectations_that_do_not_hold_exit_with_1_and_a_line_for_each_failure(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("- {who: user, action: [read, create], subject: own User, allowed: yes}")
    result = policy("test", str(file))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "expectation 1: user: create own User: expected allowed, but no line of the policy allows it",
        "1 of 2 answers are not as expected",
    ]


def test_invalid_expectations_exit_with_1_and_a_line_for_each_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("[{who: user}, 7]")
    monkeypatch.setattr(sys, "argv", ["ostiary", "policy", "test", str(file)])
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 1
    assert [line.split(":")[:2] for line in capsys.readouterr().err.splitlines()] == [
        ["ostiary", " expectation 1"],
        ["ostiary", " expectation 2"],
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["test", "no-such-file.yaml"],
        ["explain", "ada@example.org", "paint", "Language"],
        ["explain", "ada@example.org", "read", "Fence"],
        ["explain", "ada@example.org", "read", "Language", ""],
        ["explain", "ada@example.org", "update", "User", "--field", ""],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert policy(*arguments).exit_code == 2
