"""The two documented deployments: their settings and commands are run as written, with mail over real SMTP."""

import asyncio
import os
import re
import shlex
from asyncio import StreamWriter, create_subprocess_exec
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack
from pathlib import Path

from app.postgres.embedded import program_directory
from tests.conftest import make_database
from tests.support.app import SECRET_KEY, until
from tests.support.mailbox import code_in, text_of, token_in
from tests.support.serve_process import free_port, serving_beside
from tests.support.smtp_server import MailServer, mail_server

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 60


class Deployment:
    """The result of running a document: the output of its commands, and the mail that arrived."""

    def __init__(self, output: list[str], mail: MailServer) -> None:
        self.output = output
        self.mail = [(recipient, message["Subject"].partition(" at ")[0]) for recipient, message in mail.received]

    def lines_with(self, text: str) -> int:
        """The number of output lines that contain the text."""
        return sum(text in line for line in self.output)


def code_of(document: str, kind: str) -> str:
    """All code blocks of one kind (`sh` or `ini`) of a document, joined."""
    text = (ROOT / "docs" / document).read_text()
    return "\n".join(re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def settings_of(document: str, **changed: str) -> dict[str, str]:
    """The settings of a document, with values of this machine in place of the example values."""
    documented = dict(word.split("=", 1) for word in shlex.split(code_of(document, "ini")))
    assert changed.keys() <= {*documented, "PORT"}
    return {**documented, **changed}


async def type_codes_and_tokens(keyboard: StreamWriter, mail: MailServer) -> None:
    """Type the code or token of each mail, in order of arrival, as the reader of the mail would."""
    for number in range(100):

        async def has_arrived(number: int = number) -> bool:
            return len(mail.received) > number

        await until(has_arrived)
        _, message = mail.received[number]
        text = text_of(message)
        if re.search("^[0-9]{8}$", text, re.MULTILINE):
            keyboard.write(f"{code_in(message)}\n".encode())
        elif "#token=" in text:
            keyboard.write(f"{token_in(message)}\n".encode())


async def run_document(document: str, server_url: str, work_dir: Path, mails: int) -> Deployment:
    """Start the service with the settings of the document, run its commands, and wait for `mails` mails."""
    database = await make_database(server_url, re.sub(r"\W", "_", Path(document).stem))
    async with mail_server() as mail, AsyncExitStack() as stack:
        environ = settings_of(
            document, DATABASE_URL=database, MAIL_URL=mail.url, SECRET_KEY=SECRET_KEY, PORT=str(free_port())
        )
        env_file, backup = work_dir / "ostiary.env", work_dir / "ostiary.dump"
        env_file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in environ.items()))
        hashes = {"ARGON2_MEMORY_KIB": "", "ARGON2_ITERATIONS": ""}
        service = await stack.enter_async_context(serving_beside(work_dir / "data", work_dir, **environ, **hashes))

        shell = await create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", code_of(document, "sh"), cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE,
            env={
                **service.environ, "ENV_FILE": str(env_file), "BACKUP": str(backup),
                "PATH": f"{program_directory()}:{os.environ['PATH']}",
            },
        )  # fmt: skip
        assert shell.stdin
        typing = asyncio.create_task(type_codes_and_tokens(shell.stdin, mail))
        assert shell.stdout
        assert shell.stderr
        async with asyncio.timeout(TIMEOUT_SECONDS):
            output, errors, _ = await asyncio.gather(shell.stdout.read(), shell.stderr.read(), shell.wait())
            assert shell.returncode == 0, (output.decode(), errors.decode(), service.err)

            async def all_have_arrived() -> bool:
                return len(mail.received) >= mails

            await until(all_have_arrived)
        typing.cancel()
        assert backup.read_bytes().startswith(b"PGDMP")
        return Deployment(output.decode().splitlines(), mail)


async def test_the_deployment_with_codes_and_open_sign_up_runs_as_documented(server_url: str, work_dir: Path) -> None:
    finished = await run_document("deploy-sharing-excess.md", server_url, work_dir, mails=2)
    assert [recipient for recipient, _ in finished.mail] == ["ada@example.org", "grace@example.org"]
    assert finished.lines_with('"resendAfter":30') == 2
    assert finished.lines_with('"platformRole":"admin"') == 3
    assert finished.lines_with('"onboarding":{"required":true,"fields":["phone"]}') == 2
    assert finished.lines_with('"code":"onboarding_required"') == 1
    assert finished.lines_with('"identifier":"grace@example.org","address":"grace@example.org","hasSecret":false') == 1


async def test_the_deployment_with_passwords_and_invitations_runs_as_documented(
    server_url: str, work_dir: Path
) -> None:
    finished = await run_document("deploy-global-bible-tools.md", server_url, work_dir, mails=4)
    assert sorted(recipient for recipient, _ in finished.mail) == ["grace@example.org"] * 3 + ["stranger@example.org"]
    assert ("stranger@example.org", "Signing up") in finished.mail
    assert (
        finished.lines_with(
            '"purpose":"invitation","email":"grace@example.org","language":"tpi","languageName":"Tok Pisin"'
        )
        == 1
    )
    assert finished.lines_with('"key":"gen.1.1"') == 1
    assert (
        finished.lines_with(
            '"memberships":[{"language":"tpi","languageName":"Tok Pisin","roles":["admin","translator"]}]'
        )
        == 3
    )
