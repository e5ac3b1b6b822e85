"""Values are ordered as in JavaScript."""

import pytest

from app.ability.js_values import compare


@pytest.mark.parametrize("space", ["\t", "\v", "\u00a0", "\u2003", "\u2028", "\ufeff"])
def test_white_space_of_javascript_around_a_number_is_stripped(space: str) -> None:
    assert compare(f"{space}5{space}", 4) == 1


@pytest.mark.parametrize("space", ["\x1c", "\x1f", "\x85", "\u200b"])
def test_text_with_other_white_space_is_not_a_number(space: str) -> None:
    assert compare(f"{space}5", 4) == -1
