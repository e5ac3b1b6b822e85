"""Field patterns of a rule, with the semantics of CASL's `fieldPatternMatcher`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

FieldMatcher: TypeAlias = Callable[[str], bool]

_SPECIAL_CHARACTER: Final = re.compile(r"[-/\\^$+?.()|\[\]{}]")
_STARS_WITH_DOTS: Final = re.compile(r"\.?\*+\.?")


@lru_cache(maxsize=1024)
def field_matcher(fields: tuple[str, ...]) -> FieldMatcher:
    """A function that tells whether a field name matches any field or pattern of a rule.

    `*` matches characters other than dots, `**` any characters, and a dot beside the star is part of the match. The
    match must not be empty if it has dots on both sides or starts the pattern. At the end of a pattern the star may
    match nothing, and its dot may be absent too: `address.*` matches `address`.
    """
    if not any("*" in field for field in fields):
        return frozenset(fields).__contains__
    expression = re.compile("|".join(f"(?:{_regular_expression(field)})" for field in fields))
    return lambda field: expression.fullmatch(field) is not None


def _regular_expression(pattern: str) -> str:
    def escape(found: re.Match[str]) -> str:
        before, after = pattern[: found.start()], pattern[found.end() :]
        is_beside_star = found[0] == "." and (before.endswith("*") or after.startswith("*"))
        return found[0] if is_beside_star else f"\\{found[0]}"

    escaped = _SPECIAL_CHARACTER.sub(escape, pattern)

    def expand_stars(found: re.Match[str]) -> str:
        stars = found[0]
        repeat = "+" if escaped[0] == "*" or (stars[0] == "." and stars[-1] == ".") else "*"
        character = "." if "**" in stars else "[^.]"
        expanded = re.sub(r"\*+", character + repeat, stars.replace(".", r"\."), count=1)
        return f"(?:{expanded})?" if found.end() == len(escaped) else expanded

    return _STARS_WITH_DOTS.sub(expand_stars, escaped)
