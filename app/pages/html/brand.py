"""The accent colour of an operator, in shades that can be read on light and on dark pages.

WCAG 2.2 asks for a contrast of 4.5 between text and what is behind it (1.4.3). A colour that has less is darkened for
light pages, and lightened for dark ones, until it has that.
"""

CONTRAST_MIN = 4.5
# The backgrounds of `pages.css` on which links stand.
LIGHT, DARK = "#ffffff", "#1b1f26"
BLACK, WHITE = "#000000", "#ffffff"
STEPS = 100

Rgb = tuple[float, float, float]


def accent_rules(accent: str) -> str:
    """The rules of CSS that set the accent colour `accent`, such as `#1d5fd1`, in place of the one of `pages.css`."""
    light, dark = _readable(accent, LIGHT, BLACK), _readable(accent, DARK, WHITE)
    return (
        f":root{{--accent:{light};--on-accent:{_text_on(light)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:{_text_on(dark)}}}}}"
    )


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2, contrast ratio)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _readable(colour: str, behind: str, towards: str) -> str:
    """The colour that is nearest to `colour` on the way to `towards` and has enough contrast on `behind`."""
    mixed = (_mix(colour, towards, step / STEPS) for step in range(STEPS + 1))
    return next(shade for shade in mixed if contrast(shade, behind) >= CONTRAST_MIN)


def _text_on(colour: str) -> str:
    return max((WHITE, BLACK), key=lambda text: contrast(text, colour))


def _mix(one: str, other: str, share: float) -> str:
    parts = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round((1 - share) * left + share * right):02x}" for left, right in parts)


def _channels(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
