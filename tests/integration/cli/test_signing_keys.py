"""`ostiary signing-keys`: rotating and listing the keys that sign tokens."""

import asyncio

import asyncpg
import pytest
from click.testing import CliRunner, Result

from app.cli.main import cli, main
from tests.support.app import DATA_DIR, SECRET_KEY


@pytest.fixture
def no_keys(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of the commands, without keys."""
    for name, value in {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "DATA_DIR": str(DATA_DIR)}.items():
        monkeypatch.setenv(name, value)

    async def clear() -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute("DELETE FROM signing_keys")
        await connection.close()

    asyncio.run(clear())


def signing_keys(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["signing-keys", *arguments], catch_exceptions=False)


@pytest.mark.usefixtures("no_keys")
def test_a_rotation_says_which_key_signs_from_when_on() -> None:
    first, second = signing_keys("rotate"), signing_keys("rotate")
    kids = [result.output.split()[0] for result in (first, second)]
    assert first.output.split()[1:4] == ["(EdDSA)", "signs", "from"]
    listed = [line.split("\t") for line in signing_keys("list").output.splitlines()]
    assert [line[:2] for line in listed] == [[kid, "EdDSA"] for kid in kids]
    assert listed[1][2] == second.output.split()[4]
    assert listed[0][3] > listed[1][2]
    assert listed[1][3] == "-"


@pytest.mark.usefixtures("no_keys")
def test_a_rotation_too_early_is_one_line_that_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        signing_keys("rotate")
    monkeypatch.setattr("sys.argv", ["ostiary", "signing-keys", "rotate"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 1
    assert capsys.readouterr().err.count("signs from") == 1
    assert len(signing_keys("rotate", "--at-once").output.splitlines()) == 1
    assert len(signing_keys("list").output.splitlines()) == 1
