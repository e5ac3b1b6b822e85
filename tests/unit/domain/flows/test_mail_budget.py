"""What a request for a key mails: a code and a link, a link alone, or nothing, by what was mailed before."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.domain.flows.mail_budget import Asked, Asker, Mailing, plan_mailing
from app.domain.flows.purpose import OneTimeCode
from app.domain.keys.single_use_repository import MailedKey

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CODE = OneTimeCode(timedelta(minutes=10), attempts=5)
ADA, EVE = uuid4(), uuid4()
WITH_CODE, LINK_ALONE = Mailing(5), Mailing()


def key(
    minutes_ago: float,
    asked_by: Asker = "stranger",
    *,
    flow: str | None = None,
    user_id: UUID = ADA,
    attempts: int = 5,
    used: bool = False,
) -> MailedKey:
    created_at = NOW - timedelta(minutes=minutes_ago)
    return MailedKey(
        id=uuid4(),
        user_id=user_id,
        flow_hash=flow,
        asked_by=asked_by,
        attempts_left=attempts,
        created_at=created_at,
        expires_at=created_at + timedelta(minutes=10),
        used_at=created_at if used else None,
    )


def asked(asked_by: Asker = "stranger", *, stopped: bool = False, by_user: bool = False, flow: str = "mine") -> Asked:
    return Asked(asked_by, flow, ADA, CODE, has_link=not by_user, codes_stopped=stopped, by_user=by_user)


@pytest.mark.parametrize(("asker", "budget"), [("stranger", 3), ("device", 5)])
def test_a_budget_is_so_many_mails_with_a_code_an_hour(asker: Asker, budget: int) -> None:
    before = [key(50, asker) for _ in range(budget - 1)]
    assert plan_mailing(asked(asker), before, NOW) == WITH_CODE
    assert plan_mailing(asked(asker), [*before, key(49, asker)], NOW) == LINK_ALONE


def test_nobody_spends_the_budget_of_others() -> None:
    assert plan_mailing(asked("device"), [key(20)] * 12, NOW) == WITH_CODE
    assert plan_mailing(asked("stranger"), [key(20, "device")] * 12, NOW) == WITH_CODE


@pytest.mark.parametrize(
    ("latest", "mailing"),
    [
        (key(6.9), None),
        (key(7), LINK_ALONE),
        (key(6.9, "device"), None),
        (key(1, used=True), LINK_ALONE),
        (key(1, user_id=EVE), LINK_ALONE),
    ],
    ids=["usable", "7 minutes old", "usable, of a device", "used", "of another user"],
)
def test_past_the_budget_a_link_is_mailed_if_no_young_one_is_usable(latest: MailedKey, mailing: Mailing | None) -> None:
    assert plan_mailing(asked(), [key(50), key(49), key(48), latest], NOW) == mailing


def test_strangers_that_ask_all_the_time_cause_at_most_12_mails_an_hour() -> None:
    mailed = list[MailedKey]()
    for tenths in range(1800):
        now = NOW + timedelta(minutes=tenths / 10)
        in_window = [found for found in mailed if found.created_at > now - timedelta(hours=1)]
        if plan_mailing(asked(flow=str(tenths)), in_window, now):
            made = key(-tenths / 10, flow=str(tenths))
            mailed.append(made)
            in_window.append(made)
        assert len(in_window) <= 12
        assert any(found.expires_at - now >= timedelta(minutes=3) for found in in_window)


def test_a_flow_gets_a_code_with_the_attempts_that_are_left() -> None:
    mine = key(1, flow="mine", attempts=2)
    assert plan_mailing(asked(), [mine], NOW) == Mailing(2, continued=mine.id)
    assert plan_mailing(asked(), [key(1, flow="mine", attempts=0)], NOW) == LINK_ALONE
    assert plan_mailing(asked(), [key(0.49, flow="mine")], NOW) is None
    assert plan_mailing(asked(), [key(0.49, flow="theirs")], NOW) == WITH_CODE


def test_a_flow_ends_with_its_code() -> None:
    assert plan_mailing(asked(), [key(10, flow="mine", attempts=0)], NOW) == WITH_CODE
    assert plan_mailing(asked(), [key(1, flow="mine", attempts=1, used=True)], NOW) == WITH_CODE


def test_at_most_5_flows_are_live_and_a_device_displaces_the_oldest_of_strangers() -> None:
    of_devices = [key(3 + number, "device", flow=f"device {number}") for number in range(3)]
    oldest = key(2, flow="oldest")
    flows = [*of_devices, oldest, key(1, flow="youngest")]
    assert plan_mailing(asked(), flows, NOW) == LINK_ALONE
    assert plan_mailing(asked("device"), flows, NOW) == Mailing(5, displaced=(oldest.id,))


def test_where_codes_are_stopped_a_link_is_mailed() -> None:
    assert plan_mailing(asked(stopped=True), [], NOW) == LINK_ALONE
    assert plan_mailing(asked("device", stopped=True), [], NOW) == LINK_ALONE


def test_a_purpose_for_users_has_a_budget_for_each_user_and_a_maximum_for_all() -> None:
    change = asked("device", by_user=True)
    of_others = [key(20, "device", user_id=EVE) for _ in range(11)]
    assert plan_mailing(change, of_others, NOW) == WITH_CODE
    assert plan_mailing(change, [key(20, "device") for _ in range(5)], NOW) is None
    assert plan_mailing(change, [*of_others, key(20, "device", user_id=EVE)], NOW) is None


def test_users_who_were_mailed_before_leave_half_of_the_maximum_to_others() -> None:
    change, before = asked("device", by_user=True), key(20, "device")
    assert plan_mailing(change, [before, *[key(20, "device", user_id=EVE) for _ in range(4)]], NOW) == WITH_CODE
    assert plan_mailing(change, [before, *[key(20, "device", user_id=EVE) for _ in range(5)]], NOW) is None
