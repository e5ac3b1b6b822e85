"""The texts of rate limits, and the client that a limit counts."""

import pytest

from app.rate_limits import LIMITS, Window, client_network, parse_windows


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("5/minute", [(5, 60)]),
        ("5/minute;50/day", [(5, 60), (50, 86_400)]),
        ("50/day;5/minute", [(5, 60), (50, 86_400)]),
        ("1/30 seconds;5/hour", [(1, 30), (5, 3600)]),
        ("1/1 second;2/2 minutes;3/3 hours;4/4 days", [(1, 1), (2, 120), (3, 10_800), (4, 345_600)]),
        ("999999/999999 days", [(999_999, 999_999 * 86_400)]),
    ],
)
def test_a_limit_is_a_number_of_hits_for_each_window_shortest_window_first(
    text: str, windows: list[tuple[int, int]]
) -> None:
    assert parse_windows(text) == tuple(Window(*window) for window in windows)


@pytest.mark.parametrize(
    "text",
    [
        "", ";", "5", "5/", "/minute", "5/minute;", ";5/minute", "5/minute;;5/hour", "5/minute,50/day", "0/minute",
        "-1/minute", "+5/minute", "05/minute", "1.5/minute", "5/0 minutes", "5/-1 minutes", "5/minuteses", "5/month",
        "5/Minute", "5 /minute", "5/ minute", "5/30  seconds", "5/30seconds", " 5/minute", "5/minute ", "5/minute\n",
        "5 per minute", "\uff15/minute", "5/\u0663 minutes", "1000000/day", "5/1000000 days", "9" * 5000 + "/day",
    ],
)  # fmt: skip
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a limit such as 5/minute"):
        parse_windows(text)


@pytest.mark.parametrize("text", ["5/minute;6/minute", "5/minute;6/60 seconds", "1/day;1/hour;1/24 hours"])
def test_two_windows_of_one_length_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="two windows of"):
        parse_windows(text)


def test_the_limits_of_the_service() -> None:
    assert LIMITS == {
        "mail_to_address": ((1, 30), (5, 3600)),
        "mail_by_client": ((30, 60), (300, 3600)),
        "guess_by_client": ((60, 60), (600, 3600)),
        "mail_by_others": ((5, 3600), (12, 86400)),
        "invitation_by_inviter": ((30, 60), (300, 86400)),
        "invitation_by_language": ((100, 3600),),
    }


@pytest.mark.parametrize(
    ("ips", "clients"),
    [
        (("2001:db8::1", "2001:db8::ffff:1"), 1),
        (("2001:db8::1", "2001:db8:0:1::1"), 2),
        (("192.0.2.1", "192.0.2.2"), 2),
        (("192.0.2.1", "192.0.2.1"), 1),
        (("::ffff:192.0.2.1", "::ffff:192.0.2.2"), 2),
        (("unix", "unix"), 1),
    ],
)
def test_all_addresses_of_an_ipv6_network_are_one_client(ips: tuple[str, str], clients: int) -> None:
    assert len(set(map(client_network, ips))) == clients
