"""The forms of URLs in settings, and the origin of a URL.

URLs are read with `urllib.parse`, as asyncpg and the mail transport read them: a reader with other rules, such as
SQLAlchemy's `make_url`, would pass URLs that those refuse later.
"""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_PORTS = {"http": 80, "https": 443}

# Matched against the text itself, because `urlsplit` drops line breaks and takes letters that are not ASCII.
BASE_URL = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", re.ASCII | re.IGNORECASE)
# Visible ASCII without the backslash, which browsers take for a slash.
PLAIN_URL = re.compile(r"[!-\[\]-~]+")
_POSTGRES_HOST = r"(\[[\w:.%]+\]|[\w.%-]*)(:[0-9]{1,5})?"
POSTGRES_URL = re.compile(rf"postgres(ql)?://([^/?#]*@)?{_POSTGRES_HOST}(,{_POSTGRES_HOST})*([/?].*)?", re.ASCII)


def is_plain_loopback(url: str) -> bool:
    """Whether the URL is plain http to the loopback interface."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def origin_of(url: str) -> str:
    """The origin of an http URL as browsers write it (RFC 6454): lower case, without a default port."""
    parts = urlsplit(url)
    host = parts.hostname or ""  # in lower case
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def host_of(url: str) -> str:
    """The host of a URL in lower case, without brackets."""
    return urlsplit(url).hostname or ""


def own_origins(url: str) -> list[str]:
    """The origins of the service of this URL: one, but on the loopback interface one for each name of it."""
    if not is_plain_loopback(url):
        return [origin_of(url)]
    port = urlsplit(url).port
    return [origin_of(f"http://{host}:{port or 80}") for host in ("localhost", "127.0.0.1", "[::1]")]


def is_base_url(url: str) -> bool:
    """Whether the URL is an http or https URL of a host and, optionally, a port alone, in ASCII."""
    return BASE_URL.fullmatch(url) is not None and _read(url) is not None


def is_origin(url: str) -> bool:
    """Whether the URL is an http or https origin, written as browsers write it in the header `Origin`."""
    return is_base_url(url) and origin_of(url) == url


def is_page(url: str) -> bool:
    """Whether the URL is that of a page, on http or https, to every parser of URLs alike."""
    base = BASE_URL.match(url)
    return base is not None and is_base_url(base[0]) and is_page_of({origin_of(base[0])}, url)


def is_page_of(origins: Collection[str], url: str) -> bool:
    """Whether the URL is a page of one of these origins, to every parser of URLs alike.

    It begins with the origin as browsers write it, which ends there or before a path, query or fragment: neither
    RFC 3986 nor the URL Standard finds another host in it.
    """
    if PLAIN_URL.fullmatch(url) is None or _read(url) is None:
        return False
    origin = origin_of(url)
    return origin in origins and url.startswith(origin) and url[len(origin) :][:1] in ("", "/", "?", "#")


def is_postgres_url(url: str) -> bool:
    """Whether the URL is a PostgreSQL connection URI, with one host, several or none."""
    return POSTGRES_URL.fullmatch(url) is not None and _is_split(url)


def is_smtp_url(url: str) -> bool:
    """Whether the URL names a mail server: a host, optionally a port, user and password, and nothing else."""
    parts = _read(url)
    return (
        parts is not None
        and parts.scheme in ("smtp", "smtps")
        and bool(parts.hostname)
        and bool(parts.username) == bool(parts.password)
        and not (parts.path or parts.query or parts.fragment)
    )


def is_valkey_url(url: str) -> bool:
    """Whether the URL names a Valkey or Redis server: a host, optionally a port, credentials and a database number."""
    parts = _read(url)
    return (
        parts is not None
        and parts.scheme in ("valkey", "valkeys", "redis", "rediss")
        and bool(parts.hostname)
        and re.fullmatch(r"(/[0-9]*)?", parts.path, re.ASCII) is not None
        and not (parts.query or parts.fragment)
    )


def _is_split(url: str) -> bool:
    """Whether `urlsplit` takes the URL: brackets are paired."""
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


def _read(url: str) -> SplitResult | None:
    """The parts of the URL; None if brackets are not paired or the port is not a number up to 65535."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
