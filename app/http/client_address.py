"""The client's address: the peer of the connection, or the address that trusted proxies report."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The prefix of IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2) has this many bits.
MAPPED_PREFIX = 96


@lru_cache(4096)
def read_address(text: str) -> Address | None:
    """The IP address in a text such as `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or
    `[2001:db8::1]:80`, without the port; None for any other text.

    An IPv4-mapped IPv6 address, as a socket on `::` reports the peers that use IPv4, is the IPv4 address.
    """
    text = text.strip()
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port)):
            return None
    else:
        host, colon, port = text.partition(":")
        if "." not in host or not colon:
            host = text
        elif not _is_port(colon + port):
            return None
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(4096)
def plain(peer: str) -> str:
    """The address in its plain form; a text that is no address is given back as it is."""
    return str(read_address(peer) or peer)


def read_network(text: str) -> Network:
    """The network that an entry of TRUSTED_PROXIES names; one of IPv4-mapped addresses is the IPv4 network.

    Raises `ValueError`.
    """
    network = ip_network(text)
    first = network.network_address
    if isinstance(first, IPv6Address) and first.ipv4_mapped and network.prefixlen >= MAPPED_PREFIX:
        return IPv4Network((first.ipv4_mapped, network.prefixlen - MAPPED_PREFIX))
    return network


def client_address(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """The client's address in its plain form.

    `peer` is the other end of the connection, `forwarded` are the values of all X-Forwarded-For headers in order. They
    are read from the end: each proxy adds the address of its peer there, and only what a trusted proxy has added
    counts. Where a trusted proxy reports something that is not an address, the client is that proxy.
    """
    client = read_address(peer)
    if client is None:
        return peer
    entries = [entry for value in forwarded for entry in value.split(",")]
    while entries and _is_in(client, trusted):
        reported = read_address(entries.pop())
        if reported is None:
            break
        client = reported
    return str(client)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _is_port(text: str) -> bool:
    digits = text[1:]
    return text[0] == ":" and digits.isascii() and digits.isdigit()
