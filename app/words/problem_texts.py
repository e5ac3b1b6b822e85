"""The texts of problems and of unacceptable values, for people: chosen by the code and its parameters.

The sections `problem` and `field` of a language file have one text for each code, which needs no parameter. A code can
have a section of its own beside them, such as `field.with.too_short`, with texts for a parameter (`min`) or for one
value of a parameter (`min_1`), which are taken where that parameter is known.
"""

from collections.abc import Mapping

from app.words.catalogue import duration, fill, section

# Parameters in seconds. A text shows them as a duration.
SECONDS = ("retryAfter", "lifetime")
HOUR, DAY = 3600, 24 * 3600


def problem_text(locale: str, code: str, params: Mapping[str, str | int]) -> str:
    """The text of a problem. Raises `KeyError` for an unknown code or locale, and never for a missing parameter."""
    return _text("problem", locale, code, params)


def field_text(locale: str, code: str, params: Mapping[str, str | int]) -> str:
    """The text of the error of a field. Raises as `problem_text`."""
    return _text("field", locale, code, params)


def _text(kind: str, locale: str, code: str, params: Mapping[str, str | int]) -> str:
    better = section(locale, f"{kind}.with.{code}")
    names = [name for key, value in params.items() for name in (f"{key}_{value}", key) if name in better]
    readable = {name: _readable(locale, name, value) for name, value in params.items()}
    for name in names:
        try:
            return fill(better[name], readable)
        except KeyError:  # another parameter, which is not known here
            continue
    return section(locale, kind)[code]


def _readable(locale: str, name: str, value: str | int) -> str | int:
    """The value as people read it. A long duration is rounded up, to hours or days."""
    if name not in SECONDS or isinstance(value, str):
        return value
    unit = DAY if value > 2 * DAY else HOUR if value > 2 * HOUR else 1
    return duration(locale, -(-value // unit) * unit)
