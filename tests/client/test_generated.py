"""What the npm package takes from the service is up to date, and its texts are chosen as the service chooses them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.words.catalogue import PLACEHOLDER, locales, section
from app.words.problem_texts import field_text, problem_text
from client.generate import PACKAGE, write
from tests.support.client_package import built, install

ROOT = PACKAGE.parents[1]
SCRIPT = """
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf8"));
const texts = {};
for (const { locale } of cases) texts[locale] ??= (await import(`@ostiary/client/texts/${locale}`)).default;
console.log(JSON.stringify(cases.map(({ locale, kind, code, params }) => texts[locale][kind](code, params))));
"""
SECONDS = (1, 29, 59, 60, 89, 90, 600, 3599, 3600, 7199, 7200, 7201, 86_400, 100_000, 172_800, 172_801, 604_800)


def test_generated_files_are_those_of_the_present_service(tmp_path: Path) -> None:
    built()
    write(tmp_path)
    made = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*.ts"))
    assert len(made) == 2 + len(locales())
    outdated = [str(name) for name in made if (tmp_path / name).read_text() != (PACKAGE / "src" / name).read_text()]
    assert outdated == [], "run `make client`"


def test_the_package_has_every_language_of_the_service() -> None:
    exported = msgspec.json.decode((PACKAGE / "package.json").read_bytes())["exports"]
    assert {name for name in exported if name.startswith("./texts/")} == {f"./texts/{locale}" for locale in locales()}


def _cases() -> Iterator[tuple[str, str, dict[str, str | int]]]:
    """Each code without parameters and with those that its better texts depend on: kind, code and parameters."""
    for kind in ("problem", "field"):
        for code in section("en", kind):
            yield kind, code, {}
            better = section("en", f"{kind}.with.{code}")
            for name, text in better.items():
                key, _, value = name.partition("_")
                own: str | int = int(value) if value.isdigit() else value or 7
                others = dict.fromkeys(set(PLACEHOLDER.findall(text)) - {key}, 600)
                yield kind, code, {key: own}
                yield kind, code, {key: own, **others}
                yield kind, code, {**others, "unknown": "x"}
    for seconds in SECONDS:
        yield "problem", "too_many_requests", {"retryAfter": seconds}
        yield "problem", "key_not_usable", {"triesLeft": 3, "lifetime": seconds}


def test_texts_are_those_that_the_service_would_send(tmp_path: Path) -> None:
    node = install(tmp_path)
    cases = [(locale, *case) for locale in locales() for case in _cases()]
    asked = [{"locale": a, "kind": b, "code": c, "params": d} for a, b, c, d in cases]
    done = subprocess.run(
        [node, "--input-type=module", "--eval", SCRIPT], cwd=tmp_path, input=msgspec.json.encode(asked),
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = [
        (problem_text if kind == "problem" else field_text)(locale, code, params)
        for locale, kind, code, params in cases
    ]
    assert msgspec.json.decode(done.stdout) == expected


@pytest.mark.parametrize(
    "folder", ["client/js", "examples/codes-only", "examples/react-router", "tests/client/fresh_app"]
)
def test_a_lock_file_names_no_registry(folder: str) -> None:
    locked = msgspec.json.decode((ROOT / folder / "package-lock.json").read_bytes())["packages"]
    resolved = {name: one["resolved"] for name, one in locked.items() if "resolved" in one}
    assert resolved in ({}, {"node_modules/@ostiary/client": "file:../../client/js"})
