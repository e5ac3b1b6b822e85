"""The documents say what the code does: settings, error codes, and links that lead somewhere."""

import ast
import re
from pathlib import Path

import msgspec
import pytest

from app.errors import FIELD_CODES, KINDS
from app.settings.limits import LIMITS
from app.settings.model import Settings
from tests.support.audit_actions import AUDIT_ACTIONS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").iterdir())


def rows(document: str) -> list[list[str]]:
    """The cells of every table row that starts with a name in code."""
    lines = (ROOT / document).read_text().splitlines()
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines if line[:3] == "| `"]


def shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, tuple) and default:
        return ",".join(default)
    return str(default) if default not in (None, "", ()) else "–"  # noqa: RUF001 # the document's dash


def test_the_readme_lists_every_setting_with_its_default() -> None:
    documented = {name: default for name, default, _ in rows("README.md")}
    settings = {field.name.upper(): shown(field.default) for field in msgspec.structs.fields(Settings)}
    assert documented == {name: default for name, default in settings.items() if name != "LIMITS"}


def test_the_page_of_rate_limits_lists_every_limit_as_the_table_of_the_code_does() -> None:
    assert rows("docs/limits.md") == [
        [f"LIMIT_{name.upper()}", limit.default, limit.counts, limit.in_outage, "yes" if limit.announced else "no"]
        for name, limit in LIMITS.items()
    ]


def test_every_error_code_is_documented_with_its_status_in_the_order_of_the_list() -> None:
    documented = [(code, int(status)) for code, status, _, _ in rows("docs/errors.md")]
    assert documented == [(code, kind.status) for code, kind in KINDS.items()]


def test_the_page_of_errors_lists_every_code_of_a_field() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    listed = text.partition("The codes of fields are ")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", listed) == sorted(FIELD_CODES)


def names_of(file: Path) -> set[str]:
    """The names that a file defines: at its top, and as fields and methods of its classes."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def test_every_file_and_name_of_the_guide_to_changes_exists() -> None:
    text = (ROOT / "docs" / "where.md").read_text()
    changes = [line for line in text.splitlines() if line.startswith("| ") and line[2:5] not in ("to ", "---")]
    assert len(changes) >= 25
    places = re.findall(r"`((?:app|tests)/[\w./]+)`(?: \(((?:`\w+`(?:, )?)+)\))?", text)
    assert len(places) >= len(changes)
    for path, names in places:
        assert (ROOT / path).exists(), path
        missing = set(re.findall(r"\w+", names)) - (names_of(ROOT / path) if names else set())
        assert not missing, f"{path} has no {missing}"


def test_decisions_are_numbered_without_gaps_and_shaped_alike() -> None:
    assert [path.name[:5] for path in DECISIONS] == [f"{number:04}-" for number in range(1, len(DECISIONS) + 1)]
    for path in DECISIONS:
        text = path.read_text()
        assert text.startswith(f"# {path.name[:4]}: ")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([\w./-]+)(?:#[\w-]+)?\)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_a_document_names_exist(document: Path) -> None:
    # The examples of extending.md name the files that they make.
    named = (
        re.findall(r"`((?:app|tests|migrations)/[\w./]+)`", document.read_text())
        if document.name != "extending.md"
        else []
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_action_of_the_audit_is_documented_with_what_it_means() -> None:
    assert dict(rows("docs/audit.md")) == AUDIT_ACTIONS
