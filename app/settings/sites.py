"""Sites: which hosts browsers count as one, by the public suffix list (https://publicsuffix.org)."""

from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList


def same_site(url: str, other: str) -> bool:
    """Whether browsers count the pages of two URLs as of one site, so that they send `SameSite=Lax` cookies between
    them: the same scheme, and the same host or registrable domain. `localhost` and `127.0.0.1` are two sites."""
    parts, others = urlsplit(url), urlsplit(other)
    return (parts.scheme, _site(parts.hostname)) == (others.scheme, _site(others.hostname))


def cookie_domains(host: str) -> tuple[str, ...]:
    """The values of `Domain` that browsers accept in a cookie of this host: the host itself and its parents, down to
    the registrable domain. None for an address, a name without a dot and a public suffix."""
    registrable = _registrable(host)
    if registrable is None:
        return ()
    labels = host.split(".")
    domains = (".".join(labels[first:]) for first in range(len(labels)))
    return tuple(domain for domain in domains if len(domain) >= len(registrable))


def _site(host: str | None) -> str:
    return _registrable(host or "") or host or ""


def _registrable(host: str) -> str | None:
    """The registrable domain of a host in lower case: its public suffix, and one label more."""
    if "." not in host or _is_address(host):
        return None
    registrable: str | None = _suffixes().privatesuffix(host)
    return registrable


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
