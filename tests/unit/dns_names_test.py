"""Names for the DNS: A-labels, what is refused, and reverse names."""

import pytest

from enrichment.gather.names import alabels, reverse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.COM.", "example.com"),
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("ﬁ.test", "fi.test"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a" * 63 + ".test", "a" * 63 + ".test"),
        ("a" * 64 + ".test", ""),
        ("a..test", ""),
        (".test", ""),
        (".", ""),
        ("", ""),
        ("a b.test", ""),
        ("a\x00.test", ""),
        ("\ud800.test", ""),
        ("%{i}.test", ""),
        (".".join(["a" * 49] * 5) + ".ab", ".".join(["a" * 49] * 5) + ".ab"),
        (".".join(["a" * 49] * 5) + ".abcde", ""),
        ("ü" * 200 + ".test", ""),
    ],
)
def test_alabels(text: str, expected: str) -> None:
    assert alabels(text) == expected


@pytest.mark.parametrize(
    ("address", "zone", "expected"),
    [
        ("192.0.2.1", "", "1.2.0.192.in-addr.arpa"),
        ("192.0.2.1", "bl.test", "1.2.0.192.bl.test"),
        ("::ffff:192.0.2.1", "bl.test", "1.2.0.192.bl.test"),
        ("2001:db8::1", "", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"),
        ("fe80::1%eth0", "bl.test", "1." + "0." * 28 + "8.e.f.bl.test"),
        ("192.0.2.256", "", ""),
        ("host.test", "", ""),
    ],
)
def test_reverse(address: str, zone: str, expected: str) -> None:
    assert reverse(address, zone) == expected
