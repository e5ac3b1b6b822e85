"""The parts of the npm package are as small as promised, and a bundle holds no more than what it imports."""

import gzip
import subprocess
from pathlib import Path

import pytest

from tests.support.client_package import built

CORE, REACT = "export * from './dist/index.js'", "export * from './dist/react.js'"
NOT_OURS = ("@casl/ability", "openapi-fetch", "react", "react/jsx-runtime", "react-router", "@sveltejs/kit")


def bundle(code: str) -> bytes:
    """What esbuild makes of a module in the package: minified, without the packages that the application has."""
    node, package = built()
    options = ["--bundle", "--minify", "--format=esm", "--loader=js", *(f"--external:{name}" for name in NOT_OURS)]
    command: list[str | Path] = [node, package / "node_modules" / "esbuild" / "bin" / "esbuild", *options]
    done = subprocess.run(command, cwd=package, input=code.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compressed(code: str) -> int:
    return len(gzip.compress(bundle(code), 9))


def test_the_core_has_at_most_4_kilobytes() -> None:
    assert 1_000 < compressed(CORE) <= 4_000


def test_the_components_add_at_most_1500_bytes() -> None:
    assert 300 < compressed(f"{CORE}; {REACT}") - compressed(CORE) <= 1_500
    assert compressed(REACT) <= 1_500


def test_what_is_not_imported_is_not_in_the_bundle() -> None:
    assert b"BroadcastChannel" in bundle(CORE)
    assert b"BroadcastChannel" not in bundle("export { canOf } from './dist/index.js'")
    assert b"Please sign in first" not in bundle(CORE)


@pytest.mark.parametrize("name", ["index", "authorize", "react", "react-router", "sveltekit", "server"])
def test_a_part_imports_nothing_but_the_packages_that_are_named(name: str) -> None:
    _, package = built()
    assert (package / "dist" / f"{name}.d.ts").exists()
    assert bundle(f"export * from './dist/{name}.js'")
    assert sorted(file.name for file in Path(package / "dist").glob("*.node")) == []
