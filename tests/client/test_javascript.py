"""The npm package `@ostiary/client` in Node.js, against the service, with both versions of `@casl/ability`."""

import asyncio
import os
import shutil
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from app.auth.tokens import new_session_token, token_hash
from tests.client.conftest import Installed
from tests.support.app import SECRET
from tests.support.serve_process import Service

SCRIPTS = Path(__file__).parent / "scripts"
SESSION = """
INSERT INTO sessions (id, token_hash, user_id, method, created_at, authenticated_at, last_seen_at, idle_expires_at,
                      expires_at)
SELECT $1, $2, id, 'password', now() - interval '1 hour', now() - interval '1 hour', now(), now() + interval '1 day',
       now() + interval '1 day'
  FROM users WHERE email = 'stale@example.org'
"""
TESTS = sorted(SCRIPTS.glob("*.test.mjs"))


async def stale_tokens(service: Service) -> list[str]:
    """Tokens of sessions of stale@example.org, whose last proof of identity is an hour old."""
    connection = await asyncpg.connect(service.environ["DATABASE_URL"])
    tokens = [new_session_token() for _ in range(8)]
    for token in tokens:
        await connection.execute(SESSION, uuid4(), token_hash(token))
    await connection.close()
    return tokens


async def run_test(installed: Installed, service: Service, script: Path) -> None:
    """Run the tests of one file, which import the package from the folder in which it is installed."""
    for file in (script, SCRIPTS / "browser.mjs"):
        shutil.copy(file, installed.folder)
    environ = {"SERVICE": service.url, "SECRET": SECRET, "MAILS": f"{service.environ['DATA_DIR']}/mail"}
    environ["STALE"] = ",".join(await stale_tokens(service))
    process = await asyncio.create_subprocess_exec(
        installed.node, "--test", "--test-reporter=spec", installed.folder / script.name,
        env={**os.environ, **environ}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert b"tests 0" not in output


@pytest.mark.parametrize("script", TESTS, ids=lambda script: script.name.removesuffix(".test.mjs"))
async def test_the_package_keeps_the_rules_of(script: Path, installed: Installed, service: Service) -> None:
    await run_test(installed, service, script)
