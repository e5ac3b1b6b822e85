"""The address of the client: the forms in which sockets and proxies write it, and which proxies are believed."""

import pytest

from app.http.client_address import client_address, read_address, read_network


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:54321", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:54321", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:54321", "192.0.2.1"),
        ("::1", "::1"),
    ],
)
def test_an_address_is_read_without_port_and_brackets_and_ipv4_mapped_as_ipv4(text: str, address: str) -> None:
    assert str(read_address(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "unknown", "_hidden", "localhost", "192.0.2", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:1:2", "192.0.2.256",
        "[192.0.2.1", "[2001:db8::1", "2001:db8::1]", "[2001:db8::1]1", "[2001:db8::1]:", "[2001:db8::1]:x", "[]",
        "192.0.2.1/32", "192.0.2.1\0", "192.0.2.1:\uff11",
    ],
)  # fmt: skip
def test_any_other_text_is_no_address(text: str) -> None:
    assert read_address(text) is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9:4711 ,10.0.0.2:80"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3,10.0.0.2"], "10.0.0.3"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1::5", ["[2001:db8::9]:4711"], "2001:db8::9"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("testclient", ["203.0.113.9"], "testclient"),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_trusted_proxy(
    peer: str, forwarded: list[str], client: str
) -> None:
    trusted = [read_network("10.0.0.0/8"), read_network("2001:db8:1::/48")]
    assert client_address(peer, forwarded, trusted) == client


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_of_ipv4_mapped_addresses_is_the_ipv4_network(text: str, network: str) -> None:
    assert str(read_network(text)) == network
