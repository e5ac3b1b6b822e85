"""The code of docs/front-ends.md, run in Node.js against the service, with both versions of `@casl/ability`."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import make_database
from tests.contract.test_casl import CASL, node
from tests.support.app import Clock, running, settings_for
from tests.support.documents import code_blocks
from tests.support.serve_process import Service, serving

__all__ = ["node"]  # a fixture


@pytest.fixture
async def service(server_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """The service in a process of its own, with a translator of German."""
    url = await make_database(server_url, "front_ends")
    with serving(tmp_path, tmp_path, DATABASE_URL=url) as process:
        async with running(settings_for(url), Clock()) as app:
            await app.language("de")
            await app.member(await app.user(), "de", "translator")
        yield process


def module_of_the_document(service: Service, package: str) -> str:
    """All code of the document as one module."""
    code = "\n".join(code for language, code in code_blocks("front-ends.md") if language == "js")
    assert code.count("http://localhost:8000") == code.count("@casl/ability") == 1
    return code.replace("http://localhost:8000", service.url).replace("@casl/ability", package)


@pytest.mark.parametrize("package", ["casl6", "casl7"])
def test_the_code_of_the_document_does_what_the_document_says(
    node: str, service: Service, tmp_path: Path, package: str
) -> None:
    (tmp_path / "node_modules").symlink_to(CASL / "node_modules")
    module = tmp_path / "front_end.mjs"
    module.write_text(module_of_the_document(service, package))
    command = [node, str(CASL / "front_end.mjs"), str(module), service.url, str(tmp_path / "mail")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "config": [True, "invite", 600],
        "anonymous": None,
        "asked": [30, 600, True],
        "mailIsGerman": True,
        "wrong": ["key_not_usable", 4, "Dieser Code stimmt nicht"],
        "signedIn": ["ada@example.org", True],
        "ability": [False, True, False, True, True, False],
        "fields": {"name": "Diese Angabe fehlt."},
        "versions": ['"1"', '"2"', "version_conflict", 2, "Ada"],
        "merged": '"3"',
        "missing": ["version_conflict", None],
        "unsaid": "precondition_required",
        "readsWithTheOld": "ada@example.org",
        "savedAfterRenewal": '"4"',
        "replaced": "session_replaced",
        "link": ["sign_in", [], [], "/redeem"],
        "redeemed": "ada@example.org",
        "ended": None,
        "needsSession": "not_signed_in",
    }
