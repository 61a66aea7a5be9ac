"""Addresses by their block, with IPv4 unwrapped out of IPv6."""

import pytest

from enrichment.addresses import inside, kind, near, network, parse, private, public


@pytest.mark.parametrize(
    ("ip", "word"),
    [
        ("8.8.8.8", "public"),
        ("10.1.2.3", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.0", "public"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "shared"),
        ("127.0.0.1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("0.1.2.3", "this-network"),
        ("198.18.0.1", "benchmark"),
        ("192.0.2.1", "documentation"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fe80::1%eth0", "link-local"),
        ("fd00::1", "private"),
        ("2001:db8::1", "documentation"),
        ("2606:4700::1111", "public"),
        ("4000::1", "reserved"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b::8.8.8.8", "public"),
        ("2002:a05:7010::1", "private"),
        ("2002:808:808::1", "public"),
        ("[IPv6:fd00::1]", "private"),
        ("287.1.2.3", ""),
        ("1.2.3", ""),
        ("", ""),
        ("a" * 99, ""),
    ],
)
def test_kind(ip: str, word: str) -> None:
    assert kind(ip) == word
    assert public(ip) == (word in ("public", "documentation"))
    assert private(ip) == (word not in ("public", "documentation", ""))


def test_near_and_inside() -> None:
    assert near("192.0.2.1", "192.0.2.200")
    assert not near("192.0.2.1", "192.0.3.1")
    assert near("192.0.2.1", "192.0.3.1", v4=16)
    assert near("2001:db8:1::1", "2001:db8:1:9::1")
    assert not near("192.0.2.1", "2001:db8::1")
    assert not near("192.0.2.1", "")
    net = network("192.0.2.77/24")
    assert net is not None
    assert inside("192.0.2.5", (net,))
    assert not inside("192.0.3.5", (net,))
    assert not inside("2001:db8::1", (net,))
    assert network("mx.example.org") is None
    assert str(parse("[IPv6:::ffff:192.0.2.1]")) == "192.0.2.1"
