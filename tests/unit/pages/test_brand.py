"""The accent colour can be read on light and dark pages, whatever an operator chooses."""

import re

import pytest

from app.pages.html.brand import CONTRAST_MIN, DARK, LIGHT, accent_rules, contrast
from app.pages.html.site import TEMPLATES

COLOURS = ("#000000", "#ffffff", "#ffff00", "#00ff00", "#ff0000", "#0000ff", "#808080", "#1d5fc4", "#f5f5dc", "#123456")


@pytest.mark.parametrize("colour", COLOURS)
def test_links_and_buttons_have_enough_contrast(colour: str) -> None:
    found = re.findall(r"--accent:(#\w{6});--on-accent:(#\w{6})", accent_rules(colour))
    for (accent, text), behind in zip(found, (LIGHT, DARK), strict=True):
        assert contrast(accent, behind) >= CONTRAST_MIN
        assert contrast(text, accent) >= CONTRAST_MIN


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert "--accent:#1d5fc4;--on-accent:#ffffff" in accent_rules("#1d5fc4")


def test_the_backgrounds_are_those_of_the_stylesheet() -> None:
    css = (TEMPLATES.parent / "assets" / "pages.css").read_text()
    assert re.findall(r"--card: (#\w+);", css) == ["#fff", DARK]
    assert contrast(LIGHT, "#000000") == 21
