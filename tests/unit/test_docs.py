"""The documents say what the code does: settings, error codes, and links that lead somewhere."""

import re
from pathlib import Path

import msgspec
import pytest

from app.asgi import AUDIT_ACTIONS
from app.errors import KINDS
from app.settings.model import Settings

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
    assert documented == {field.name.upper(): shown(field.default) for field in msgspec.structs.fields(Settings)}


def test_every_error_code_is_documented_with_its_status_in_the_order_of_the_list() -> None:
    documented = [(code, int(status)) for code, status, _, _ in rows("docs/errors.md")]
    assert documented == [(code, kind.status) for code, kind in KINDS.items()]


def test_decisions_are_numbered_without_gaps_and_shaped_alike() -> None:
    assert [path.name[:5] for path in DECISIONS] == [f"{number:04}-" for number in range(1, len(DECISIONS) + 1)]
    for path in DECISIONS:
        text = path.read_text()
        assert text.startswith(f"# {path.name[:4]}: ")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_action_of_the_audit_is_documented_with_what_it_means() -> None:
    assert dict(rows("docs/audit.md")) == AUDIT_ACTIONS
