"""Text that people enter: its normal form, the rule of names, and text that is harmless in a line, a log or a mail."""

import re
import unicodedata
from itertools import groupby

from msgspec import Meta

from app.errors import invalid

NAME_MAX = 200  # characters
NAME_RULE = (
    f"At most {NAME_MAX} characters in Unicode normalisation form C, in which it is kept; at least one of them is "
    "visible. Control characters and direction marks are refused, white space at the ends and characters that show "
    "nothing are removed."
)
NAME_FORM = {"form": "name"}
# A character in normalisation form C stands for at most four characters as entered (U+1F82 and its like). What may be
# `n` characters long is refused unread past `ENTERED_PER_CHARACTER * n`.
ENTERED_PER_CHARACTER = 4


def name_meta(about: str, example: str) -> Meta:
    """What the type of a name says of it: `about` and NAME_RULE as its description, its bounds, and an example."""
    return Meta(
        min_length=1,
        max_length=ENTERED_PER_CHARACTER * NAME_MAX,
        description=f"{about} {NAME_RULE}".strip(),
        examples=[example],
    )


# UAX #15 section 13 (Stream-Safe Text Format). Normalising takes quadratic time in the number of marks in a row.
COMBINING_MAX = 30

# Control characters, line and paragraph separators, and characters that reorder adjacent text (UAX #9 section 2).
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# The same, the marks of UAX #9, the deprecated format characters after them, and unpaired surrogates.
_NOT_IN_A_NAME = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ud800-\udfff]"
)
# Letters and symbols that show nothing, and unassigned code points that never will (Default_Ignorable_Code_Point).
_BLANK = re.compile(r"[\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\ufff8\U0001d159\U000e0000-\U000e0fff]")

# Characters that show nothing by themselves (Default_Ignorable_Code_Point, and annotations), and where names need them.
_IGNORABLE = (
    r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Letters and marks of scripts in which joiners shape the letters: Arabic, Syriac, those of India and of Southeast Asia.
_SHAPED = (
    r"[\u0620-\u0dff\u1000-\u109f\u1700-\u18aa\u1900-\u1c4f\ua800-\uabff\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
_EMOJI = r"[\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
_NEEDED = "|".join([
    rf"(?<={_SHAPED})(?:\u200d|\u200c(?={_SHAPED}))",
    rf"(?<={_EMOJI})\ufe0f?\u200d(?={_EMOJI})",
    rf"(?<={_EMOJI})[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)",
    # Variants of ideographs, as in Japanese names, and of Mongolian letters.
    r"(?<=[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\ufe00-\ufe02\U000e0100-\U000e01ef]",
    r"(?<=[\u1820-\u18aa])[\u180b-\u180f]",
    # The flags of England, Scotland and Wales.
    r"(?<=\U0001f3f4)\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    r"(?<=\U0001f3f4)\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    r"(?<=\U0001f3f4)\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
])  # fmt: skip
_NEEDED_OR_IGNORABLE = re.compile(f"({_NEEDED})|{_IGNORABLE}")
# Keyboards send joiners twice. Each would hide from the other which letters it joins.
_REPEATED_JOINER = re.compile(r"([\u200c\u200d])\1+")
# White space, the blank of Braille and the note without a head.
_AT_ENDS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u2800\U0001d159"

QUOTED_NAME_MAX = 60  # characters of a name in a mail to somebody else
# Full stops, colons and at signs in all widths, and the backslash of a network path: what makes a program see a link.
_PART_OF_LINK = re.compile(r"([.:@\\\u2024\u3002\ufe52\uff0e\uff61\ufe55\uff1a\uff20\ufe6b])(?=\S)")
_QUOTATION_MARKS = str.maketrans(dict.fromkeys('"“”„‟«»〝〞〟＂「」『』', "'"))  # noqa: RUF001 # of all scripts


def one_line(text: str) -> str:
    """The text with each run of control characters and white space replaced by one space, and none at the ends."""
    return " ".join(_NOT_IN_A_LINE.sub(" ", text).split())


def in_nfc(entered: str, field: str, max_length: int) -> str:
    """The text in Unicode normalisation form C, with at most `max_length` characters in that form.

    Raises `Problem` `validation_failed` for `field`: `too_long`, or `invalid` for more combining marks in a row than
    `COMBINING_MAX`.
    """
    too_long = invalid(field, "too_long", f"At most {max_length} characters", params={"max": max_length})
    if len(entered) > ENTERED_PER_CHARACTER * max_length:
        raise too_long
    if not entered.isascii() and _marks_in_a_row(entered) > COMBINING_MAX:
        raise invalid(field, "invalid", f"More than {COMBINING_MAX} combining marks in a row")
    text = unicodedata.normalize("NFC", entered)
    if len(text) > max_length:
        raise too_long
    return text


def name_in_nfc(entered: str, field: str = "name") -> str:
    """The name of a person or a language in normalisation form C, without white space at its ends.

    Characters that show nothing are removed, so that two names do not look the same: people paste them without knowing.
    Joiners stay in scripts that need them, such as Persian, and in emoji. Raises `Problem` `validation_failed` for
    `field`: `too_long`, or `invalid` for a name without a visible character, or with control characters or ones that
    reorder adjacent text.
    """
    name = ""
    # Again until nothing changes: beside what is removed, cut off or composed, a joiner may be needed no more.
    while (kept := in_nfc(_shown(entered), field, NAME_MAX).strip(_AT_ENDS)) != name:
        name = entered = kept
    if _NOT_IN_A_NAME.search(name):
        raise invalid(field, "invalid", "A name must not hold control characters or direction marks", params=NAME_FORM)
    if not any(map(_is_visible, name)):
        raise invalid(field, "invalid", "A name needs a visible character", params=NAME_FORM)
    return name


def folded(text: str) -> str:
    """The form in which texts are compared without regard to case and to normalisation form.

    The canonical caseless matching of the Unicode Standard (section 3.13, D145), in NFC.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def searched(text: str) -> str:
    """The form of a text that is looked for in folded names: folded too, without characters that names do not keep."""
    return folded(_shown(text))


def conventional_case(tag: str) -> str:
    """A BCP 47 tag in the case of RFC 5646 section 2.1.1, as `pt-BR` and `zh-Hant`; other text unchanged.

    Only the case changes, so that text which is no tag stands for nothing else.
    """
    if not tag.isascii():
        return tag
    if tag.isalpha():  # without subtags, as most are
        return tag.lower()
    first, *rest = tag.lower().split("-")
    subtags, after_singleton = [first], len(first) == 1
    for subtag in rest:
        after_singleton = after_singleton or len(subtag) == 1
        cased = {2: subtag.upper(), 4: subtag.capitalize()}.get(len(subtag), subtag)
        subtags.append(subtag if after_singleton else cased)
    return "-".join(subtags)


def _shown(text: str) -> str:
    """The text without characters that show nothing, except where a script or an emoji needs them."""
    if text.isascii():
        return text
    return _NEEDED_OR_IGNORABLE.sub(lambda found: found[1] or "", _REPEATED_JOINER.sub(r"\1", text))


def _marks_in_a_row(text: str) -> int:
    runs = (len(list(run)) for is_mark, run in groupby(text, lambda sign: unicodedata.combining(sign) > 0) if is_mark)
    return max(runs, default=0)


def _is_visible(character: str) -> bool:
    """Whether a character shows something by itself. Those of later versions of Unicode do."""
    category = unicodedata.category(character)
    return (category == "Cn" or category[0] not in "CMZ") and not _BLANK.match(character)


def harmless_name(text: str) -> str:
    """A name that a person has chosen, for quotation marks in a mail to somebody else.

    No mail program makes a link of it, because a space follows each character that holds an address together. It has
    at most `QUOTED_NAME_MAX` characters, and does not end the quotation.
    """
    apart = _PART_OF_LINK.sub(r"\1 ", one_line(text).translate(_QUOTATION_MARKS))
    return apart if len(apart) <= QUOTED_NAME_MAX else apart[: QUOTED_NAME_MAX - 1].rstrip() + "…"
