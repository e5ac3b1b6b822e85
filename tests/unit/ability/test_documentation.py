"""docs/ability.md says what the engine does. Its JavaScript is run by tests/contract/test_casl.py."""

import re

from app.ability.condition_parsing import OPERATORS
from tests.support.documents import DOCS, code_blocks, run_python_blocks


def test_the_python_examples_print_what_the_document_says() -> None:
    _, report = run_python_blocks("ability.md")
    assert not report, report


def test_every_code_block_is_run() -> None:
    blocks = [language for language, _ in code_blocks("ability.md")]
    assert set(blocks) == {"python", "pycon", "js", "text"}
    assert (blocks.count("js"), blocks.count("text")) == (1, 1)
    assert len(blocks) == (DOCS / "ability.md").read_text().count("\n```") // 2


def test_the_table_of_operators_is_complete() -> None:
    rows = re.findall(r"^\| (`\$.*?) \|", (DOCS / "ability.md").read_text(), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"\$\w+", row)} == OPERATORS
