"""Node.js with the locked packages of a folder."""

import fcntl
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest


def node_with(folder: Path) -> str:
    """The path of Node.js, after `npm ci` in the folder if its lock has changed.

    Skips the test without Node.js; in CI it fails.
    """
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs node and npm for this contract")
        pytest.skip("there is no node and npm here")
    lock_file, installed = folder / "package-lock.json", folder / "node_modules" / ".installed"
    expected = sha256(lock_file.read_bytes()).hexdigest()
    with lock_file.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != expected:
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
            installed.write_text(expected)
    return program
