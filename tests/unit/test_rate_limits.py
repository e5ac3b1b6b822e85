"""The client that a limit by client counts."""

import pytest

from app.rate_limits import client_network


@pytest.mark.parametrize(
    ("ips", "clients"),
    [
        (("2001:db8::1", "2001:db8::ffff:1"), 1),
        (("2001:db8::1", "2001:db8:0:1::1"), 2),
        (("192.0.2.1", "192.0.2.2"), 2),
        (("192.0.2.1", "192.0.2.1"), 1),
        (("::ffff:192.0.2.1", "::ffff:192.0.2.2"), 2),
        (("::ffff:192.0.2.1", "192.0.2.1"), 1),
        (("fe80::1%eth0", "fe80::2"), 1),
        (("unix", "unix"), 1),
        (("unix", ""), 2),
    ],
)
def test_all_addresses_of_an_ipv6_network_are_one_client_and_a_mapped_one_is_ipv4(
    ips: tuple[str, str], clients: int
) -> None:
    assert len(set(map(client_network, ips))) == clients


def test_a_client_without_an_address_is_one_client() -> None:
    assert client_network(None) == client_network("")
