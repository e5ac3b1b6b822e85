"""The npm package `@ostiary/client` in Node.js, against the service, with both versions of `@casl/ability`."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.client.conftest import Installed
from tests.support.app import SECRET
from tests.support.serve_process import Service

SCRIPTS = Path(__file__).parent / "scripts"
TESTS = sorted(SCRIPTS.glob("*.test.mjs"))


async def run_test(installed: Installed, service: Service, script: Path) -> None:
    """Run the tests of one file, which import the package from the folder in which it is installed."""
    for file in (script, SCRIPTS / "browser.mjs"):
        shutil.copy(file, installed.folder)
    environ = {"SERVICE": service.url, "SECRET": SECRET, "MAILS": f"{service.environ['DATA_DIR']}/mail"}
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
