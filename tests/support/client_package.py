"""The npm package `@ostiary/client`, built, and folders in which programs can import it with a version of CASL."""

import fcntl
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

from tests.support.node_packages import node_with

SOURCE = Path(__file__).parents[2] / "client" / "js"
CaslVersion: TypeAlias = Literal["6", "7"]
CASL_PACKAGES = {"6": "casl6", "7": "@casl/ability"}


def built() -> tuple[str, Path]:
    """The path of Node.js, and the folder of the package after a build if a source has changed."""
    node = node_with(SOURCE)
    files = [SOURCE / "package.json", SOURCE / "tsconfig.json", *sorted((SOURCE / "src").rglob("*.ts*"))]
    expected = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    marker = SOURCE / "node_modules" / ".built"
    with (SOURCE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists() or marker.read_text() != expected or not (SOURCE / "dist").exists():
            done = subprocess.run(["npm", "run", "build"], cwd=SOURCE, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout
            marker.write_text(expected)
    return node, SOURCE


def install(folder: Path, casl: CaslVersion = "7") -> str:
    """Install the package as npm would, with a version of its peer CASL. Returns the path of Node.js.

    A copy, because Node.js looks for the packages that a module imports beside the real path of the module.
    """
    node, package = built()
    modules = folder / "node_modules"
    shutil.copytree(package / "dist", modules / "@ostiary" / "client" / "dist")
    shutil.copy(package / "package.json", modules / "@ostiary" / "client")
    (modules / "@casl").mkdir()
    (modules / "@casl" / "ability").symlink_to(package / "node_modules" / CASL_PACKAGES[casl])
    for installed in (package / "node_modules").iterdir():
        if not (installed.name.startswith(".") or (modules / installed.name).exists()):
            (modules / installed.name).symlink_to(installed)
    return node


def example(name: str, folder: Path) -> Path:
    """A copy of an example, with its packages and the built package of the client. Needs Node.js."""
    source = Path(__file__).parents[2] / "examples" / name
    _, package = built()
    node_with(source)
    app = folder / name
    shutil.copytree(source, app, ignore=shutil.ignore_patterns("node_modules", "dist"))
    modules = app / "node_modules"
    modules.mkdir()
    for installed in (source / "node_modules").iterdir():
        if installed.name != "@ostiary":
            (modules / installed.name).symlink_to(installed)
    shutil.copytree(package / "dist", modules / "@ostiary" / "client" / "dist")
    shutil.copy(package / "package.json", modules / "@ostiary" / "client")
    return app


def run_script(script: str, app: Path, **environ: str) -> None:
    """Run a script of the package.json of an app, which must end without an error."""
    done = subprocess.run(
        ["npm", "run", script], cwd=app, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
