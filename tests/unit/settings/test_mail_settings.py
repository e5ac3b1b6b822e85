"""The settings of mail and of the secret key: each mistake is reported in one line without secrets."""

import pytest

from app.settings.load import SettingsError, load
from app.settings.mailbox import mailbox_of

KEY = "kYw1kQz8vRt6Lm2Ns0Bp9dFgHjXcVbNm"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://ostiary:hunter2@db.example.org/ostiary",
    "PUBLIC_URL": "https://auth.example.org",
    "SECRET_KEY": KEY,
    "MAIL_URL": "smtp://ostiary:hunter2@mail.example.org:587",
    "MAIL_FROM": "Ostiary <no-reply@example.org>",
}


def mistakes(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(environ)
    assert not any("hunter2" in line for line in raised.value.lines)
    return [line.partition(":")[0] for line in raised.value.lines]


def test_development_needs_neither_a_secret_key_nor_a_mail_server() -> None:
    settings = load({})
    assert (settings.mail_url, settings.secret_key, settings.run_jobs) == ("file:", None, True)
    assert mailbox_of(settings.mail_from).addr_spec == "no-reply@ostiary.test"


@pytest.mark.parametrize(
    ("mailbox", "name", "address"),
    [
        ("Lamp House <no-reply@example.org>", "Lamp House", "no-reply@example.org"),
        ('"Lamp, House" <no-reply@example.org>', "Lamp, House", "no-reply@example.org"),
        ("Größe <no-reply@bücher.example>", "Größe", "no-reply@xn--bcher-kva.example"),
        ("<no-reply@example.org>", "", "no-reply@example.org"),
        ("no-reply@example.org", "", "no-reply@example.org"),
        ("no-reply@mailhost", "", "no-reply@mailhost"),
    ],
)
def test_a_sender_is_a_mailbox_with_or_without_a_name(mailbox: str, name: str, address: str) -> None:
    sender = mailbox_of(load({"MAIL_FROM": mailbox}).mail_from)
    assert (sender.display_name, sender.addr_spec) == (name, address)


def test_production_runs_with_a_secret_key_and_a_mail_server() -> None:
    assert load(PRODUCTION).secret_key == KEY


def test_production_refuses_mail_to_files_and_a_missing_secret_key() -> None:
    assert mistakes(**{**PRODUCTION, "SECRET_KEY": ""}) == ["SECRET_KEY"]
    assert mistakes(**{**PRODUCTION, "MAIL_URL": ""}) == ["MAIL_URL"]
    assert mistakes(**{**PRODUCTION, "MAIL_FROM": ""}) == ["MAIL_FROM"]


@pytest.mark.parametrize("weak", ["hunter2", "k" * 64, "0101" * 16, KEY[:31]])
def test_a_weak_secret_key_is_refused_in_development_too(weak: str) -> None:
    assert mistakes(SECRET_KEY=weak) == ["SECRET_KEY"]


def test_a_previous_secret_key_needs_a_different_present_one() -> None:
    assert mistakes(SECRET_KEY_PREVIOUS=KEY) == ["SECRET_KEY_PREVIOUS"]
    assert mistakes(SECRET_KEY_PREVIOUS=KEY, SECRET_KEY=KEY) == ["SECRET_KEY_PREVIOUS"]


@pytest.mark.parametrize(
    "url",
    ["smtp:", "smtp://", "file:///tmp", "http://mail.example.org", "smtp://user:hunter2@", "smtp://user@mail.example.org",
     "smtp://mail.example.org:hunter2", "smtp://mail.example.org/hunter2", "smtp://[::1", "smtps://mail.example.org?x=1"],
)  # fmt: skip
def test_a_mail_url_of_another_form_is_refused(url: str) -> None:
    assert mistakes(MAIL_URL=url, MAIL_FROM="a@example.org") == ["MAIL_URL"]


@pytest.mark.parametrize(
    "mailbox",
    [
        "Ostiary",
        "a@b, c@d",
        "a@b\nBcc: c@d",
        "Ost\r\nBcc: x <a@b>",
        "a@b <c@d>",
        "a@",
        "@b",
        "größe@example.org",
        "Ostiary <>",
        "Ostiary <a@b",
    ],
)
def test_a_sender_that_is_not_one_ascii_mailbox_is_refused(mailbox: str) -> None:
    assert mistakes(MAIL_FROM=mailbox) == ["MAIL_FROM"]
