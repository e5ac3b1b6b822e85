"""The examples of docs/extending.md work in a copy of the checkout, with nothing changed but what they say."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGREEMENT = "tests/migrations/test_migrations.py::test_alembic_finds_no_difference_between_models_and_migrations"
PARTS = ("app", "migrations", "tests", "pyproject.toml")
# A file by its name in the text before it, or two at once; a diff by its own head.
FILES = re.compile(
    r"((?:`(?:app|tests|migrations)/\S+\.(?:py|html)`[^`]*?)+):\n\n((?:```(?:python|html)\n.*?^```\n+)+)",
    re.MULTILINE | re.DOTALL,
)
NAMES = re.compile(r"`((?:app|tests|migrations)/\S+\.(?:py|html))`")
CODE = re.compile(r"```(?:python|html)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DIFFS = re.compile(r"```diff\n--- a/(\S+)\n\+\+\+ b/\1\n(.*?)^```", re.MULTILINE | re.DOTALL)
HUNKS = re.compile(r"^@@.*\n((?:[ +-].*\n)+)", re.MULTILINE)


def section(title: str) -> str:
    """The text of one section of the document."""
    text = (ROOT / "docs" / "extending.md").read_text()
    return re.split(r"^## ", text.split(f"\n## {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def write_files(text: str, copy: Path) -> list[str]:
    """Write the files of a section into the copy; gives their names."""
    written = []
    for match in FILES.finditer(text):
        names, codes = NAMES.findall(match[1]), CODE.findall(match[2])
        for name, code in zip(names[-len(codes) :], codes, strict=True):
            file = copy / name
            assert not file.exists()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code)
            written.append(name)
            package = file.parent
            while name.startswith("app/") and package != copy and not (package / "__init__.py").exists():
                (package / "__init__.py").touch()
                package = package.parent
    return written


def apply_diffs(text: str, copy: Path) -> list[str]:
    """Apply the diffs of a section to the copy; gives the names of the changed files."""
    changed = []
    for name, hunks in DIFFS.findall(text):
        file = copy / name
        content = file.read_text()
        for hunk in HUNKS.findall(hunks):
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            assert content.count(before) == 1, f"{name} has these lines {content.count(before)} times:\n{before}"
            content = content.replace(before, "".join(line[1:] for line in lines if line[0] in " +"))
        file.write_text(content)
        changed.append(name)
    return changed


@pytest.mark.parametrize(
    ("title", "files", "diffs", "passed"),
    [
        ("A purpose of one-time codes and links", 1, [], 2),
        ("A sign-in method", 1, [], 3),
        (
            "A page",
            2,
            [
                "app/pages/module.py",
                "app/words/en.toml",
                "app/words/de.toml",
                "tests/integration/pages/page_access.csv",
            ],
            2,
        ),
        ("A domain", 7, ["app/guards/policy.py", "app/asgi.py"], None),
    ],
)
def test_an_example_works_with_nothing_changed_but_what_it_says(
    server_url: str, work_dir: Path, title: str, files: int, diffs: list[str], passed: int | None
) -> None:
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, work_dir / part)
    written = write_files(section(title), work_dir)
    tests = [name for name in written if name.startswith("tests/")]
    assert (len(written) - len(tests), len(tests)) == (files, 1)
    assert apply_diffs(section(title), work_dir) == diffs

    # A new table must also be what its migration makes.
    suites = [*tests, *([AGREEMENT] if any(name.startswith("migrations/") for name in written) else [])]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:xdist",
            "-p",
            "no:cov",
            *suites,
        ],
        cwd=work_dir,
        env={
            **os.environ,
            "PYTHONPATH": f"{work_dir}:{os.environ.get('PYTHONPATH', '')}",
            "TEST_DATABASE_URL": server_url,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert passed is None or f"{passed} passed" in run.stdout
