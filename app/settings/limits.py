"""The named rate limits: what each counts, its default, and whether refusals tell it."""

import re
from collections.abc import Mapping
from typing import NamedTuple

WINDOW_FORM = re.compile(r"([1-9][0-9]{0,5})/(?:([1-9][0-9]{0,5}) )?(second|minute|hour|day)s?")
UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
OFF = "off"


class Window(NamedTuple):
    """At most `hits` in `seconds`; a window opens with its first hit."""

    hits: int
    seconds: int


class Limit(NamedTuple):
    """A named limit.

    `default` is a text that `parse_windows` takes, `counts` what the limit counts, as docs/limits.md says it.
    `announced` limits count what the client itself does, so that a refusal may tell the client the limit and what is
    left of it. The count of an account or an address would tell a stranger what its owner does.
    """

    default: str
    counts: str
    announced: bool = False


def parse_windows(text: str) -> tuple[Window, ...]:
    """The windows of a limit such as `5/minute;50/day` or `1/30 seconds`, shortest first; none for `off`.

    Raises `ValueError` for a text of another form and for two windows of the same length.
    """
    if text == OFF:
        return ()
    windows: dict[int, Window] = {}
    for part in text.split(";"):
        form = WINDOW_FORM.fullmatch(part)
        if form is None:
            raise ValueError(f"{part!r} is not a limit such as 5/minute or 1/30 seconds")
        hits, count, unit = form.groups()
        seconds = int(count or 1) * UNIT_SECONDS[unit]
        if seconds in windows:
            raise ValueError(f"{text!r} has two windows of {seconds} seconds")
        windows[seconds] = Window(int(hits), seconds)
    return tuple(windows[seconds] for seconds in sorted(windows))


# The setting of a limit is LIMIT_ and its name in capitals. Limits by client allow for an office whose people share one
# address. One line a limit.
# In any 24 hours two windows of a day side by side let through twice the hits: the guesses at one account are then
# fewer than 100, those of strangers at most 50.
# fmt: off
LIMITS: Mapping[str, Limit] = {
    "notice_to_address": Limit("1/30 seconds;5/hour", "notices to one address, such as that sign-up is closed"),
    "new_device_to_user": Limit("5/hour;20/day", "mails to one user about sign-ins on new devices"),
    "mail_by_client": Limit("30/minute;300/hour", "requests for mail by one client", announced=True),
    "mail_by_device": Limit("10/minute;60/hour", "requests for mail on the known devices of one user"),
    "mail_by_others": Limit("5/hour;12/day", "mails to one address that others cause, such as invitations"),
    "invitation_by_inviter": Limit("30/minute;300/day", "people that one user invites or adds"),
    "invitation_by_language": Limit("100/hour", "people who are invited or added to one language"),
    "guess_by_client": Limit("60/minute;200/hour;500/day", "other guesses of one client", announced=True),
    "guess_by_account_strangers": Limit("25/day", "guesses of all strangers at one account"),
    "guess_by_account_devices": Limit("24/day", "guesses of all known devices of one account"),
    "guess_by_account_consecutive": Limit("100/30 days", "guesses of strangers at one account in a row"),
    "guess_by_device": Limit("10/day", "guesses on one known device"),
    "guess_by_flow": Limit("5/10 minutes", "guesses of one flow"),
    "estimate_by_client": Limit("30/minute;200/hour", "new secrets of one client, with codes that were not compared"),
    "guess_by_session": Limit("10/day", "guesses of step-ups in one session"),
}
# fmt: on

DEFAULT_WINDOWS: Mapping[str, tuple[Window, ...]] = {
    name: parse_windows(limit.default) for name, limit in LIMITS.items()
}
