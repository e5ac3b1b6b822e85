"""The table of rate limits, their texts, and the settings that change them."""

import pytest

from app.settings.limits import DEFAULT_WINDOWS, LIMITS, Window, parse_windows
from app.settings.load import SettingsError, load


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


def test_off_is_a_limit_without_windows() -> None:
    assert parse_windows("off") == ()


def test_every_limit_is_a_setting_and_the_others_keep_their_defaults() -> None:
    assert load({}).limits == DEFAULT_WINDOWS
    for name in LIMITS:
        assert load({f"LIMIT_{name.upper()}": " 7/2 days "}).limits == {**DEFAULT_WINDOWS, name: (Window(7, 172_800),)}
    changed = load({"LIMIT_MAIL_BY_CLIENT": "off", "LIMIT_GUESS_BY_CLIENT": "  "}).limits
    assert changed == {**DEFAULT_WINDOWS, "mail_by_client": ()}


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("LIMIT_MAIL_BY_CLIENTS", "5/minute", "there is no such limit; docs/limits.md lists them"),
        ("LIMIT_mail_by_client", "5/minute", "there is no such limit; docs/limits.md lists them"),
        ("LIMIT_", "5/minute", "there is no such limit; docs/limits.md lists them"),
        ("LIMIT_MAIL_BY_CLIENT", "5 hunter2", "expected a limit such as 5/minute;50/day, or off"),
        ("LIMIT_MAIL_BY_CLIENT", "0/minute", "expected a limit such as 5/minute;50/day, or off"),
        ("LIMIT_MAIL_BY_CLIENT", "1/minute;2/minute", "expected a limit such as 5/minute;50/day, or off"),
    ],
)
def test_a_limit_that_does_not_exist_or_has_another_form_is_a_mistake(variable: str, value: str, line: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load({variable: value, "PORT": "0"})
    assert raised.value.lines == ["PORT: expected a whole number from 1 to 65535", f"{variable}: {line}"]


def test_valkey_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.settings.rules.find_spec", lambda _: None)
    with pytest.raises(SettingsError) as raised:
        load({"VALKEY_URL": "valkey://127.0.0.1"})
    assert raised.value.lines == ["VALKEY_URL: needs the package redis: install ostiary[valkey]"]


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("valkey://127.0.0.1", True),
        ("valkeys://user:hunter2@counters.example.org:6380/1", True),
        ("redis://[::1]:6379/", True),
        ("rediss://:hunter2@counters.example.org", True),
        ("redis:", False),
        ("redis:///0", False),
        ("http://hunter2@counters.example.org", False),
        ("redis://counters.example.org:hunter2", False),
        ("redis://counters.example.org/hunter2", False),
        ("rediss://counters.example.org?ssl_cert_reqs=none", False),
        ("unix:///run/valkey.sock", False),
    ],
)
def test_the_url_of_valkey_names_a_server_and_no_option(url: str, taken: bool) -> None:
    if taken:
        assert load({"VALKEY_URL": url}).valkey_url == url
        return
    with pytest.raises(SettingsError) as raised:
        load({"VALKEY_URL": url})
    assert [line.partition(":")[0] for line in raised.value.lines] == ["VALKEY_URL"]
    assert "hunter2" not in str(raised.value)
