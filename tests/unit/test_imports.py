"""Walls between folders that import-linter cannot express by folder alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

APP = Path(__file__).parents[2] / "app"
MAY_REACH_LITESTAR = re.compile(
    r"app\.(asgi|server|cli(\.\w+)?|http(\.\w+)?|guards\.authorize|auth\.middleware|domain\.module)"
    r"|app\.domain\.(\w+\.)*(controllers|module)"
)
# Per table, the folder of `app/domain/` that owns it.
OWNERS = {
    "users": "users",
    "keys": "keys",
    "code_failures": "keys",
    "sessions": "sessions",
    "languages": "languages",
    "language_members": "languages",
    "translations": "languages",
    "translation_versions": "languages",
}
# SQL that crosses domains on purpose: the principal's statement, and signing in as one statement.
ACROSS_DOMAINS = {"sessions/repository.py", "flows/repository.py"}


def test_litestar_is_reached_by_routes_and_http_alone() -> None:
    graph = grimp.build_graph("app", include_external_packages=True, cache_dir=None)
    reaching = graph.find_downstream_modules("litestar")
    assert "app.domain.users.controllers" in reaching
    assert sorted(name for name in reaching if not MAY_REACH_LITESTAR.fullmatch(name)) == []


def sql_of(file: Path) -> Iterator[str]:
    """The texts in a file that read as SQL, in capitals as ours is written."""
    for node in ast.walk(ast.parse(file.read_text())):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"\b(SELECT|FROM)\b", node.value)
        ):
            yield node.value


@pytest.mark.parametrize("file", sorted((APP / "domain").rglob("*.py")), ids=lambda file: str(file.relative_to(APP)))
def test_sql_text_names_the_tables_of_its_own_domain(file: Path) -> None:
    place = str(file.relative_to(APP / "domain"))
    named = {
        table
        for text in sql_of(file)
        for table in re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(\w+)", text)
        if table in OWNERS
    }
    foreign = {table for table in named if OWNERS[table] != place.partition("/")[0]}
    assert not foreign or place in ACROSS_DOMAINS
    assert foreign or place not in ACROSS_DOMAINS
