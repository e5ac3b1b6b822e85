"""The rules that settings must keep: the form of a value, and what several settings must be together."""

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path

from app.settings.mailbox import mailbox_of
from app.settings.model import FILE_MAIL, Settings
from app.settings.sites import cookie_domains, same_site
from app.settings.urls import (
    host_of,
    is_base_url,
    is_origin,
    is_page,
    is_plain_loopback,
    is_postgres_url,
    is_smtp_url,
    is_valkey_url,
)

HOST = re.compile(r"[\w.:-]+", re.ASCII)
# A part of what RFC 6265 allows. A name with a prefix would promise what the attributes do not hold.
COOKIE_NAME_FORM = re.compile(r"(?!__)[\w.-]{1,64}", re.ASCII)

COLOUR = re.compile(r"#[0-9A-Fa-f]{6}", re.ASCII)
# The media types of logos, by the ends of their names.
LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg"}
# A part of what RFC 7519 section 2 allows as StringOrURI.
AUDIENCE = re.compile(r"[!-~]{1,200}", re.ASCII)

# OWASP ASVS 5.0, 11.2.3 asks for 128 bits, which are 32 hexadecimal digits.
SECRET_KEY_MIN_LENGTH = 32

# 32 or more random characters have more different characters than this.
SECRET_KEY_MIN_VARIETY = 8

# The least memory of Argon2id in KiB, by number of iterations (OWASP ASVS 5.0).
ARGON2_FLOORS = {1: 47104, 2: 19456}
ARGON2_FLOOR_OF_MORE_ITERATIONS = 12288


def broken_rules(settings: Settings) -> list[str]:
    """One line for each rule that the settings break; no line repeats a value."""
    production = settings.environment == "production"
    https, is_url = settings.public_url.startswith("https://"), is_base_url(settings.public_url)
    rules = {
        "DATABASE_URL: expected postgresql://user:password@host:port/name": (
            settings.database_url is not None and not is_postgres_url(settings.database_url)
        ),
        "DATABASE_URL: required when ENVIRONMENT=production (the embedded database is for development)": (
            production and settings.database_url is None
        ),
        "DATABASE_POOL_SIZE: expected 0, which fits it to the database, or at least 2": settings.database_pool_size
        == 1,
        "VALKEY_URL: expected valkey://user:password@host:port/0, or valkeys: for TLS; redis: and rediss: too": (
            settings.valkey_url is not None and not is_valkey_url(settings.valkey_url)
        ),
        "VALKEY_URL: needs the package redis: install ostiary[valkey]": (
            settings.valkey_url is not None and find_spec("redis") is None
        ),
        "SIGN_IN_METHODS: name at least one of password and code": not settings.sign_in_methods,
        "SIGN_UP: open needs code among SIGN_IN_METHODS: people sign up with a code": (
            settings.sign_up == "open" and not settings.codes
        ),
        "HOST: expected an address or a host name, such as 127.0.0.1 or ::1": HOST.fullmatch(settings.host) is None,
        "PUBLIC_URL: expected an http or https address without path, query or user": (
            HOST.fullmatch(settings.host) is not None and not is_url
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
            not _is_read_by(mailbox_of, settings.mail_from)
        ),
        "COOKIE_NAME: expected letters, digits, dots, hyphens and underscores, without a prefix such as __Host-": (
            COOKIE_NAME_FORM.fullmatch(settings.cookie_name) is None
        ),
        "COOKIE_NAME: auth_device, auth_page, and names that begin with auth_flow, are those of other cookies": (
            settings.cookie_name in ("auth_device", "auth_page") or settings.cookie_name.startswith("auth_flow")
        ),
        "COOKIE_DOMAIN: expected the host of PUBLIC_URL or a parent of it, and no public suffix such as co.uk": (
            settings.cookie_domain != ""
            and settings.cookie_domain not in (cookie_domains(host_of(settings.public_url)) if is_url else ())
        ),
        "COOKIE_DOMAIN: not with COOKIE_HOST_PREFIX=on (browsers drop a __Host- cookie with a Domain)": (
            settings.cookie_domain != "" and settings.cookie_host_prefix
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
            production and _is_below_argon2_floor(settings)
        ),
        "BRAND_ACCENT: expected a colour such as #1d5fd1": (
            settings.brand_accent != "" and COLOUR.fullmatch(settings.brand_accent) is None
        ),
        f"BRAND_LOGO: expected the path of a file that can be read, {', '.join(sorted(LOGO_TYPES))}": (
            settings.brand_logo != "" and not _is_logo(Path(settings.brand_logo))
        ),
        "PAGES_CSS: expected the path of a stylesheet that can be read": (
            settings.pages_css != "" and not os.access(settings.pages_css, os.R_OK)
        ),
    }
    broken = [line for line, is_broken in rules.items() if is_broken]
    broken += [
        f"ALLOWED_ORIGINS: entry {number} is not an origin such as https://app.example.org"
        for number, origin in enumerate(settings.allowed_origins, start=1)
        if not is_origin(origin)
    ]
    broken += [
        f"APP_URL: entry {number} is not the address of a page such as https://app.example.org/"
        for number, url in enumerate(settings.app_url, start=1)
        if not is_page(url)
    ]
    broken += [
        f"TOKEN_AUDIENCES: entry {number} is not a text such as https://api.example.org, without spaces"
        for number, audience in enumerate(settings.token_audiences, start=1)
        if AUDIENCE.fullmatch(audience) is None
    ]
    broken += [
        f"TRUSTED_PROXIES: entry {number} is not an address or network such as 10.0.0.0/8"
        for number, proxy in enumerate(settings.trusted_proxies, start=1)
        if not _is_read_by(ip_network, proxy)
    ]
    return broken


def notices(settings: Settings) -> list[str]:
    """One line for each setting that is allowed, but that the operator of a service should think about."""
    notes = {
        "PUBLIC_URL is plain http, and not on this machine: browsers drop the session cookie, which needs https": (
            settings.public_url.startswith("http:") and not is_plain_loopback(settings.public_url)
        ),
        f"COOKIE_DOMAIN={settings.cookie_domain}: every host below it can read the session, and plant another one": (
            settings.cookie_domain != ""
        ),
        "TRUSTED_PROXIES is not set: behind a proxy, all clients count as one for rate limits, unless it is named": (
            settings.environment == "production" and not settings.trusted_proxies
        ),
    }
    lines = [line for line, applies in notes.items() if applies]
    return lines + [
        f"ALLOWED_ORIGINS: {origin} is another site than {settings.public_url}: browsers keep no session for its pages"
        for origin in settings.allowed_origins
        if not same_site(origin, settings.public_url)
    ]


def _is_logo(path: Path) -> bool:
    return path.suffix in LOGO_TYPES and path.is_file() and os.access(path, os.R_OK)


def _is_weak(secret_key: str) -> bool:
    return len(secret_key) < SECRET_KEY_MIN_LENGTH or len(set(secret_key)) < SECRET_KEY_MIN_VARIETY


def _is_below_argon2_floor(settings: Settings) -> bool:
    floor = ARGON2_FLOORS.get(settings.argon2_iterations, ARGON2_FLOOR_OF_MORE_ITERATIONS)
    return settings.argon2_memory_kib < floor


def _is_read_by(reader: Callable[[str], object], value: str) -> bool:
    """Whether `reader` takes the value, and does not raise `ValueError`."""
    try:
        reader(value)
    except ValueError:
        return False
    return True
