"""Field patterns of a rule, as CASL's `fieldPatternMatcher` reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

FieldMatcher: TypeAlias = Callable[[str], bool]

_SPECIAL: Final = re.compile(r"[-/\\^$+?.()|\[\]{}]")
_STARS: Final = re.compile(r"\.?\*+\.?")


@lru_cache(maxsize=1024)
def field_matcher(fields: tuple[str, ...]) -> FieldMatcher:
    """A test for the names that a rule's field list covers.

    `*` is a run without dots, `**` any run, and a dot beside the star belongs to the run. The run must be
    non-empty if it has dots on both sides or starts the pattern. At the pattern's end it may be missing, dot
    and all: `address.*` covers `address`.
    """
    if not any("*" in field for field in fields):
        return frozenset(fields).__contains__
    expression = re.compile("|".join(f"(?:{_expression(field)})" for field in fields))
    return lambda field: expression.fullmatch(field) is not None


def _expression(pattern: str) -> str:
    def escape(found: re.Match[str]) -> str:
        before, after = pattern[: found.start()], pattern[found.end() :]
        belongs_to_run = found[0] == "." and (before.endswith("*") or after.startswith("*"))
        return found[0] if belongs_to_run else f"\\{found[0]}"

    escaped = _SPECIAL.sub(escape, pattern)

    def run(found: re.Match[str]) -> str:
        stars = found[0]
        repeat = "+" if escaped[0] == "*" or (stars[0] == "." and stars[-1] == ".") else "*"
        character = "." if "**" in stars else "[^.]"
        body = re.sub(r"\*+", character + repeat, stars.replace(".", r"\."), count=1)
        return f"(?:{body})?" if found.end() == len(escaped) else body

    return _STARS.sub(run, escaped)
