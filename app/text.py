"""Untrusted text that must stay on one line: in a mail header, a log, a terminal."""

import re

# Control characters, line and paragraph separators, and characters that reorder adjacent text (UAX #9 section 2).
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """The text with each run of control characters and white space replaced by one space, and none at the ends."""
    return " ".join(_NOT_IN_A_LINE.sub(" ", text).split())
