"""Text from outside that must stay on one line: in a mail's header, a log, a terminal."""

import re

# Control characters, the line and paragraph separators, and what reorders the text around it (UAX #9 section 2).
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """The text without control characters, its white space collapsed to single spaces."""
    return " ".join(_NOT_IN_A_LINE.sub(" ", text).split())
