"""Settings are read from the environment once, with one clear line for each mistake."""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Literal, get_args, get_origin

import msgspec

from app.settings.model import FILE_MAIL, Settings, mailbox_of
from app.settings.urls import is_base_url, is_postgres_url, is_smtp_url, origin_of

HOST = re.compile(r"[\w.:-]+", re.ASCII)


# OWASP ASVS 5.0, 11.2.3 asks for 128 bits; this is what they take in hexadecimal digits.
SECRET_KEY_MIN_LENGTH = 32


# Fewer different characters than this among so many were not drawn at random.
SECRET_KEY_MIN_VARIETY = 8


class SettingsError(Exception):
    """The environment has mistakes; `lines` names each setting once, and never repeats a secret's value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check all settings.

    Unset and empty variables take the default. Raises `SettingsError` with a line for every mistake found.
    """
    mistakes: list[str] = []
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        raw = environ.get(field.name.upper(), "").strip()
        if not raw:
            continue
        try:
            values[field.name] = _convert(raw, field.type)
        except (KeyError, msgspec.ValidationError):
            mistakes.append(f"{field.name.upper()}: expected {_expected(field.type)}")
    settings = Settings(**values) if not mistakes else Settings()  # type: ignore[arg-type] # each value was converted to its field's type above
    if not mistakes:
        settings = msgspec.structs.replace(
            settings, public_url=_public_url(settings), mail_from=settings.mail_from or _mail_from(settings)
        )
        mistakes = _inconsistencies(settings)
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _convert(raw: str, wanted: object) -> object:
    if wanted is bool:
        return {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}[raw.lower()]
    if get_origin(wanted) is tuple:
        return msgspec.convert([part.strip() for part in raw.split(",") if part.strip()], type=wanted)
    return msgspec.convert(raw, type=wanted, strict=False)


def _expected(wanted: object) -> str:
    if wanted is bool:
        return "on or off"
    if get_origin(wanted) is Literal:
        return " or ".join(get_args(wanted))
    if get_origin(wanted) is tuple:
        return f"a list of {' and '.join(get_args(get_args(wanted)[0]))}"
    _, limits = get_args(wanted)
    return f"a whole number from {limits.ge} to {limits.le}"


def _public_url(settings: Settings) -> str:
    if settings.public_url:
        url = settings.public_url.rstrip("/")
        return origin_of(url) if is_base_url(url) else url
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 # compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _mail_from(settings: Settings) -> str:
    return "Ostiary <no-reply@ostiary.test>" if settings.mail_url == FILE_MAIL else ""


def _inconsistencies(settings: Settings) -> list[str]:
    """The rules that concern a value's form or several settings at once."""
    production = settings.environment == "production"
    https = settings.public_url.startswith("https://")
    rules = {
        "DATABASE_URL: expected postgresql://user:password@host:port/name": (
            settings.database_url is not None and not is_postgres_url(settings.database_url)
        ),
        "DATABASE_URL: required when ENVIRONMENT=production (the embedded database is for development)": (
            production and settings.database_url is None
        ),
        "SIGN_IN_METHODS: name at least one of password and code": not settings.sign_in_methods,
        "SIGN_UP: open needs code among SIGN_IN_METHODS: people sign up with a code": (
            settings.sign_up == "open" and not settings.codes
        ),
        "HOST: expected an address or a host name, such as 127.0.0.1 or ::1": HOST.fullmatch(settings.host) is None,
        "PUBLIC_URL: expected an http or https address without path, query or user": (
            HOST.fullmatch(settings.host) is not None and not is_base_url(settings.public_url)
        ),
        "PUBLIC_URL: must be https when ENVIRONMENT=production": production and not https,
        "SECRET_KEY: required when ENVIRONMENT=production": (production and settings.secret_key is None),
        f"SECRET_KEY: expected {SECRET_KEY_MIN_LENGTH} or more random characters, as `openssl rand -base64 32` makes": (
            settings.secret_key is not None and _is_weak(settings.secret_key)
        ),
        "SECRET_KEY_PREVIOUS: needs a SECRET_KEY that has replaced it": (
            settings.secret_key_previous is not None and settings.secret_key in (None, settings.secret_key_previous)
        ),
        "MAIL_URL: expected file: or smtp://user:password@host:port or smtps://user:password@host:port": (
            settings.mail_url != FILE_MAIL and not is_smtp_url(settings.mail_url)
        ),
        "MAIL_URL: must be smtp: or smtps: when ENVIRONMENT=production (file: sends nothing)": (
            production and settings.mail_url == FILE_MAIL
        ),
        "MAIL_FROM: expected one mailbox such as Ostiary <no-reply@example.org>; smtp: and smtps: require it": (
            not _is_mailbox(settings.mail_from)
        ),
        "COOKIE_HOST_PREFIX: needs an https PUBLIC_URL (browsers drop a __Host- cookie without Secure)": (
            settings.cookie_host_prefix and not https
        ),
        "SESSION_IDLE_SECONDS: must not be longer than SESSION_ABSOLUTE_SECONDS": (
            settings.session_idle_seconds > settings.session_absolute_seconds
        ),
        "ADMIN_SESSION_IDLE_SECONDS: must not be longer than ADMIN_SESSION_ABSOLUTE_SECONDS": (
            settings.admin_session_idle_seconds > settings.admin_session_absolute_seconds
        ),
        "ARGON2_MEMORY_KIB: must be at least 8 times ARGON2_PARALLELISM": (
            settings.argon2_memory_kib < 8 * settings.argon2_parallelism
        ),
        "ARGON2_MEMORY_KIB, ARGON2_ITERATIONS: below the floor of OWASP ASVS 5.0, which production requires": (
            production and _weaker_than_asvs(settings)
        ),
    }
    mistakes = [line for line, broken in rules.items() if broken]
    mistakes += [
        f"ALLOWED_ORIGINS: entry {number} is not an origin such as https://app.example.org"
        for number, origin in enumerate(settings.allowed_origins, start=1)
        if not is_base_url(origin) or origin_of(origin) != origin
    ]
    mistakes += [
        f"TRUSTED_PROXIES: entry {number} is not an address or network such as 10.0.0.0/8"
        for number, network in enumerate(settings.trusted_proxies, start=1)
        if not _is_network(network)
    ]
    return mistakes


def _is_mailbox(value: str) -> bool:
    try:
        mailbox_of(value)
    except ValueError:
        return False
    return True


def _is_weak(secret_key: str) -> bool:
    return len(secret_key) < SECRET_KEY_MIN_LENGTH or len(set(secret_key)) < SECRET_KEY_MIN_VARIETY


def _weaker_than_asvs(settings: Settings) -> bool:
    floors = {1: 47104, 2: 19456}
    return settings.argon2_memory_kib < floors.get(settings.argon2_iterations, 12288)


def _is_network(value: str) -> bool:
    for parse in (ip_address, ip_network):
        try:
            parse(value)
        except ValueError:
            continue
        return True
    return False
