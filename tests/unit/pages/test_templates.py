"""Every template of a page uses words that the catalogue has, with all their placeholders."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import nodes
from jinja2.meta import find_referenced_templates

from app.pages.html.site import TEMPLATES, environment
from app.pages.html.words import words_of
from app.words.catalogue import locales, placeholders

NOT_PAGES = {"base", "fields"}
PAGES = sorted(file.stem for file in TEMPLATES.glob("*.html") if file.stem not in NOT_PAGES)
# Given by `Say` itself.
PROVIDED = {"service"}


def trees(file_name: str) -> Iterator[nodes.Template]:
    """The parsed template, and all templates that it extends or imports."""
    source = (TEMPLATES / file_name).read_text()
    tree = environment().parse(source)
    yield tree
    for name in filter(None, find_referenced_templates(tree)):
        yield from trees(name)


def said(page: str) -> Iterator[tuple[str, set[str]]]:
    """Each word that a page names, with the placeholders that it gives values for."""
    for tree in trees(f"{page}.html"):
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "say":
                first = call.args[0]
                values = {keyword.key for keyword in call.kwargs}
                for constant in [first, *first.find_all(nodes.Const)]:
                    if isinstance(constant, nodes.Const) and not is_compared(first, constant):
                        yield str(constant.value), values


def is_compared(expression: nodes.Expr, constant: nodes.Const) -> bool:
    """Whether the constant is the operand of a comparison: `say("a" if kind == "b" else "c")` says no `b`."""
    compared = [expression, *expression.find_all(nodes.Compare)]
    return any(constant in list(node.find_all(nodes.Const)) for node in compared if isinstance(node, nodes.Compare))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("locale", locales())
def test_a_page_says_words_that_each_language_has(page: str, locale: str) -> None:
    words = words_of(locale, page)
    for name, values in said(page):
        assert name in words, f"{page}.html says {name}"
        assert placeholders(words[name]) <= values | PROVIDED, f"{page}.html gives {name} too few values"


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("*.html")), ids=lambda file: file.name)
def test_no_template_passes_a_value_unescaped_or_styles_inline(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"\|\s*safe|autoescape|\sstyle=|\son\w+=|<style|javascript:", text)
