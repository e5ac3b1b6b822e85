"""Untrusted text that must stay on one line, or be harmless as a name: in a mail header, a mail, a log, a terminal."""

import re

# Control characters, line and paragraph separators, and characters that reorder adjacent text (UAX #9 section 2).
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """The text with each run of control characters and white space replaced by one space, and none at the ends."""
    return " ".join(_NOT_IN_A_LINE.sub(" ", text).split())


NAME_MAX = 60
# Full stops, colons and at signs in all widths, and the backslash of a network path: what makes a program see a link.
_PART_OF_LINK = re.compile(r"([.:@\\\u2024\u3002\ufe52\uff0e\uff61\ufe55\uff1a\uff20\ufe6b])(?=\S)")
_QUOTATION_MARKS = str.maketrans(dict.fromkeys('"“”„‟«»〝〞〟＂「」『』', "'"))  # noqa: RUF001 # of all scripts


def harmless_name(text: str) -> str:
    """A name that a person has chosen, for quotation marks in a mail to somebody else.

    No mail program makes a link of it, because a space follows each character that holds an address together. It has
    at most `NAME_MAX` characters, and does not end the quotation.
    """
    apart = _PART_OF_LINK.sub(r"\1 ", one_line(text).translate(_QUOTATION_MARKS))
    return apart if len(apart) <= NAME_MAX else apart[: NAME_MAX - 1].rstrip() + "…"
