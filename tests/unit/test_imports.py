"""Walls between folders that import-linter cannot express by folder alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

import app.asgi  # noqa: F401 - loads all models
from app.postgres.base import Base

APP = Path(__file__).parents[2] / "app"
MAY_REACH_LITESTAR = re.compile(
    r"app\.(asgi|server(\.\w+)?|cli(\.\w+)?|http(\.\w+)?|guards\.authorize|auth\.middleware|domain\.module|pages(\.\w+)*)"
    r"|app\.domain\.(\w+\.)*(controllers|module)"
)
# Per table, the folder of `app/domain/` that owns it.
OWNERS = {
    mapper.local_table.description: mapper.class_.__module__.split(".")[2]
    for mapper in Base.registry.mappers
    if mapper.class_.__module__.startswith("app.domain.")
}
# SQL text that names tables of other domains: the statements of principals, of signing in and of writing a text.
ACROSS_DOMAINS = {
    "sessions/repository.py",
    "service_accounts/repository.py",
    "flows/repository.py",
    "languages/translations/plain_write_repository.py",
}
# Imports of another domain's tables outside the flows: members are listed with the name and address of their user,
# and service accounts and their keys are rows of both tables.
FOREIGN_MODELS = {
    ("app.domain.languages.members.repository", "app.domain.keys.models"),
    ("app.domain.languages.members.repository", "app.domain.users.models"),
    ("app.domain.service_accounts.repository", "app.domain.keys.models"),
    ("app.domain.service_accounts.repository", "app.domain.users.models"),
}


def test_litestar_is_reached_by_routes_and_http_alone() -> None:
    graph = grimp.build_graph("app", include_external_packages=True, cache_dir=None)
    reaching = graph.find_downstream_modules("litestar")
    assert "app.domain.users.controllers" in reaching
    assert sorted(name for name in reaching if not MAY_REACH_LITESTAR.fullmatch(name)) == []


def sql_of(file: Path) -> Iterator[str]:
    """The string literals of a file that hold SQL, which this project writes in capitals."""
    for node in ast.walk(ast.parse(file.read_text())):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"\b(SELECT|FROM|INTO|UPDATE)\b", node.value)
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


def test_only_flows_import_tables_of_other_domains() -> None:
    graph = grimp.build_graph("app", cache_dir=None)
    foreign = {
        (importer, models)
        for models in graph.modules
        if models.startswith("app.domain.") and models.endswith(".models")
        for importer in graph.find_modules_that_directly_import(models)
        if importer.startswith("app.domain.") and importer.split(".")[2] not in {"flows", models.split(".")[2]}
    }
    assert foreign == FOREIGN_MODELS
