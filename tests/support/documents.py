"""Code blocks of the documents."""

import doctest
import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

# The documents wrap long lines of SQL and JSON.
_OPTIONS = doctest.NORMALIZE_WHITESPACE


def code_blocks(document: str) -> list[tuple[str, str]]:
    """The fenced blocks of a file in `docs/`, in order: language and code."""
    text = (DOCS / document).read_text()
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run_python_blocks(document: str) -> tuple[dict[str, object], str]:
    """Run the `python` and `pycon` blocks of a file in `docs/`, in order and in one namespace.

    Returns the namespace and a report of the `pycon` examples that print something else than documented; the report
    is empty if there are none. White space is not compared.
    """
    namespace: dict[str, object] = {}
    report: list[str] = []
    for number, (language, code) in enumerate(code_blocks(document)):
        name = f"{document}, block {number}"
        if language == "python":
            exec(compile(code, name, "exec"), namespace)  # noqa: S102 - the project's own document
        elif language == "pycon":
            examples = doctest.DocTestParser().get_doctest(code, namespace, name, name, 0)
            doctest.DocTestRunner(verbose=False, optionflags=_OPTIONS).run(
                examples, out=report.append, clear_globs=False
            )
            namespace.update(examples.globs)
    return namespace, "".join(report)
