"""URLs of settings: which forms are taken, and the origin of one."""

import re
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NETLOC = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?", re.ASCII)


def is_plain_loopback(url: str) -> bool:
    """Whether the URL is plain http to the loopback interface."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def origin_of(url: str) -> str:
    """The origin of an http URL as browsers write it (RFC 6454): lower case, without a default port."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def is_base_url(url: str) -> bool:
    """Whether the URL is an http one of nothing but host and port, in ASCII as browsers write it in `Origin`."""
    scheme, _, netloc = url.partition("://")
    return scheme.lower() in ("http", "https") and NETLOC.fullmatch(netloc) is not None and _has_sound_netloc(url)


def is_postgres_url(url: str) -> bool:
    """Whether the URL is one of PostgreSQL."""
    return url.startswith(("postgresql://", "postgres://")) and _has_sound_netloc(url)


def is_smtp_url(url: str) -> bool:
    """Whether the URL is that of a mail server: a host, with user and password or neither, and nothing after it."""
    if not _has_sound_netloc(url):
        return False
    parts = urlsplit(url)
    return (
        parts.scheme in ("smtp", "smtps")
        and bool(parts.hostname)
        and bool(parts.username) == bool(parts.password)
        and not (parts.path or parts.query or parts.fragment)
    )


def _has_sound_netloc(url: str) -> bool:
    """Whether the part between the slashes can be read: its brackets are paired and the port is a port."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True
