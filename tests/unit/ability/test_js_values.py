"""Values compare as JavaScript compares them."""

import pytest

from app.ability.js_values import compare


@pytest.mark.parametrize("space", ["\t", "\v", "\u00a0", "\u2003", "\u2028", "\ufeff"])
def test_what_javascript_takes_for_white_space_is_left_out_of_a_number(space: str) -> None:
    assert compare(f"{space}5{space}", 4) == 1


@pytest.mark.parametrize("space", ["\x1c", "\x1f", "\x85", "\u200b"])
def test_what_javascript_does_not_take_for_white_space_makes_it_no_number(space: str) -> None:
    assert compare(f"{space}5", 4) == -1
