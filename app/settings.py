"""Settings: one frozen value, read from the environment once, with one clear line for each mistake."""

import re
from collections.abc import Mapping
from email.headerregistry import Address
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import msgspec
from email_validator import validate_email
from msgspec import Meta, Struct

from app.urls import is_base_url, is_plain_loopback, is_postgres_url, is_smtp_url, origin_of

Seconds = Annotated[int, Meta(ge=1, le=400 * 24 * 3600)]

HOST = re.compile(r"[\w.:-]+", re.ASCII)
FILE_MAIL = "file:"
MAILBOX = re.compile(r'"?(?P<name>[^"<>@]*?)"? *<(?P<address>[^<> ]+)>|(?P<bare>[^<> ]+)')
# OWASP ASVS 5.0, 11.2.3 asks for 128 bits; this is what they take in hexadecimal digits.
SECRET_KEY_MIN_LENGTH = 32
# Fewer different characters than this among so many were not drawn at random.
SECRET_KEY_MIN_VARIETY = 8


class SettingsError(Exception):
    """The environment has mistakes; `lines` names each setting once, and never repeats a secret's value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Settings(Struct, frozen=True, kw_only=True):
    """What an operator can set; the field `public_url` is the variable `PUBLIC_URL`.

    Lists are separated by commas. Times are whole seconds. The Argon2id defaults are OWASP's (Password Storage Cheat
    Sheet: 19 MiB, t=2, p=1), the lengths those of NIST SP 800-63B-4 section 3.1.1.2, the session limits those of
    sections 2.1.3 (AAL1) and, for platform admins, 2.2.3 (AAL2).
    """

    environment: Literal["development", "production"] = "development"
    database_url: str | None = None
    database_pool_size: Annotated[int, Meta(ge=2, le=500)] = 16
    data_dir: str = ".data"
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    public_url: str = ""
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    secret_key: str | None = None
    secret_key_previous: str | None = None
    mail_url: str = FILE_MAIL
    mail_from: str = ""
    run_jobs: bool = True
    cookie_host_prefix: bool = False
    access_log: bool = True

    sign_in_methods: tuple[Literal["password", "code"], ...] = ("password", "code")
    sign_up: Literal["open", "invite"] = "invite"
    required_profile_fields: tuple[Literal["name", "phone"], ...] = ("name",)

    password_min_length: Annotated[int, Meta(ge=8, le=128)] = 15
    argon2_memory_kib: Annotated[int, Meta(ge=8, le=4 * 1024 * 1024)] = 19456
    argon2_iterations: Annotated[int, Meta(ge=1, le=100)] = 2
    argon2_parallelism: Annotated[int, Meta(ge=1, le=64)] = 1
    hash_concurrency: Annotated[int, Meta(ge=1, le=256)] = 2
    hash_queue: Annotated[int, Meta(ge=1, le=10_000)] = 64

    session_idle_seconds: Seconds = 14 * 24 * 3600
    session_absolute_seconds: Seconds = 30 * 24 * 3600
    admin_session_idle_seconds: Seconds = 3600
    admin_session_absolute_seconds: Seconds = 24 * 3600
    step_up_seconds: Seconds = 15 * 60
    invitation_seconds: Seconds = 7 * 24 * 3600

    @property
    def passwords(self) -> bool:
        """Whether secrets can be set and used."""
        return "password" in self.sign_in_methods

    @property
    def codes(self) -> bool:
        """Whether one-time codes and links sign in."""
        return "code" in self.sign_in_methods

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies carry `Secure`: always, except on plain http to this machine itself."""
        return not is_plain_loopback(self.public_url)

    @property
    def own_origins(self) -> frozenset[str]:
        """The origins whose pages may use the cookie for unsafe methods: that of PUBLIC_URL and ALLOWED_ORIGINS."""
        return frozenset({origin_of(self.public_url), *self.allowed_origins})

    @property
    def data_path(self) -> Path:
        """DATA_DIR as an absolute path."""
        return Path(self.data_dir).expanduser().absolute()


def mailbox_of(value: str) -> Address:
    """The one mailbox that `value` names, as in `Ostiary <no-reply@example.org>`.

    Raises `ValueError` where it names none or several, or one that only servers with SMTPUTF8 take.
    """
    parts = MAILBOX.fullmatch(value)
    if parts is None or not value.isprintable():
        raise ValueError
    checked = validate_email(
        parts["address"] or parts["bare"],
        allow_smtputf8=False,
        check_deliverability=False,
        globally_deliverable=False,
        test_environment=True,
    )
    return Address(parts["name"] or "", checked.local_part, checked.ascii_domain)


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
