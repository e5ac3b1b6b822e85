"""What a request for a key mails to an address: a code and a link, a link alone, or nothing.

Strangers, and the known devices of the owner, have a budget each for each purpose, in which only mails count that were
really sent. So nobody spends the mails of somebody else, an address gets a bounded number of mails, and after each
request a usable link is in the mailbox.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from app.domain.flows.purpose import OneTimeCode
from app.domain.keys.single_use_repository import MailedKey

Asker = Literal["device", "stranger"]

# The window in which mails are counted.
WINDOW = timedelta(hours=1)
# How many mails in one window are sent whatever was mailed before, and can have a code.
BUDGETS: Mapping[Asker, int] = {"stranger": 3, "device": 5}
# Past the budget, a link is mailed only if none of the last `LINK_PAUSE` is usable: 9 in a window, and 12 with the
# budget of strangers. Links live longer than the pause, so that one is always usable.
LINK_PAUSE = timedelta(minutes=7)
# A flow whose code is younger gets no other one.
RESEND_AFTER = timedelta(seconds=30)
FLOWS_MAX = 5
# Purposes for signed-in users have a budget for each user. These are the maxima for all users together: of all mails,
# and of mails to users who have had one. So a few users cannot keep another one from being mailed.
TOTAL_MAX = 12
TOTAL_OF_REPEATED = 6


class Asked(Struct, frozen=True):
    """A request for a key: who asks, in which flow, for which user (None: for nobody yet), and what the purpose mails.

    `codes_stopped`: the address gets no codes for now. `by_user`: the purpose is for signed-in users, and the address
    need not be theirs.
    """

    asked_by: Asker
    flow_hash: str
    user_id: UUID | None
    code: OneTimeCode | None
    has_link: bool
    codes_stopped: bool = False
    by_user: bool = False


class Mailing(Struct, frozen=True):
    """What to mail: with a code of so many attempts, or with a link alone.

    `continued` is the key whose code the new one replaces in its flow. The codes of `displaced` keys end.
    """

    attempts: int | None = None
    continued: UUID | None = None
    displaced: tuple[UUID, ...] = ()


def plan_mailing(asked: Asked, mailed: Sequence[MailedKey], now: datetime) -> Mailing | None:
    """What to mail; None for nothing. `mailed` are the keys of the address and purpose of the last `WINDOW`.

    Asking again in a flow gives a code with the attempts that are left of the one before.
    """
    if asked.by_user:
        own = [key for key in mailed if key.user_id == asked.user_id]
        if len(mailed) >= (TOTAL_OF_REPEATED if own else TOTAL_MAX):
            return None
        mailed = own
    flows = _live_flows(asked.code, mailed, now)
    current = next((key for key in flows if key.flow_hash == asked.flow_hash), None)
    if current is not None and now - current.created_at < RESEND_AFTER:
        return None
    within_budget = sum(key.asked_by == asked.asked_by for key in mailed) < BUDGETS[asked.asked_by]
    if within_budget and (mailing := _with_code(asked, flows, current)):
        return mailing
    if asked.has_link and (within_budget or _needs_link(asked, mailed, now)):
        return Mailing()
    return None


def _with_code(asked: Asked, flows: Sequence[MailedKey], current: MailedKey | None) -> Mailing | None:
    """A mailing with a code; None if codes are stopped, the flow has no attempt left, or there are too many flows."""
    if asked.code is None or asked.codes_stopped:
        return None
    if current is not None:
        return Mailing(current.attempts_left, current.id) if current.attempts_left else None
    if len(flows) < FLOWS_MAX:
        return Mailing(asked.code.attempts)
    of_strangers = [key.id for key in flows if key.asked_by == "stranger"]
    if asked.asked_by == "device" and of_strangers:
        return Mailing(asked.code.attempts, displaced=(of_strangers[0],))
    return None


def _live_flows(code: OneTimeCode | None, mailed: Sequence[MailedKey], now: datetime) -> list[MailedKey]:
    """The keys whose code still works, or would if it had attempts left; the oldest first."""
    if code is None:
        return []
    return [key for key in mailed if key.flow_hash and _is_live(key, now) and key.created_at > now - code.lifetime]


def _needs_link(asked: Asked, mailed: Sequence[MailedKey], now: datetime) -> bool:
    """Whether no link of the last `LINK_PAUSE` is usable for the user whom the key is for."""
    return not any(
        key.user_id == asked.user_id and _is_live(key, now) and now - key.created_at < LINK_PAUSE for key in mailed
    )


def _is_live(key: MailedKey, now: datetime) -> bool:
    return key.used_at is None and key.expires_at > now
