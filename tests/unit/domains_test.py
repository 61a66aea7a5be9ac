"""The registrable domain: owners under private suffixes, addresses and suffixes have none."""

import pytest

from intake.domains import registrable


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("mail.shop.example.co.uk", "example.co.uk"),
        ("MX.Example.ORG.", "example.org"),
        ("example.org", "example.org"),
        ("someone.github.io", "someone.github.io"),
        ("mx.sender.test", "sender.test"),
        ("co.uk", ""),
        ("localhost", ""),
        ("192.0.2.1", ""),
        ("[192.0.2.1]", ""),
        ("2001:db8::1", ""),
        ("a..b", ""),
        ("", ""),
        ("a." * 200 + "com", ""),
    ],
)
def test_registrable(host: str, expected: str) -> None:
    assert registrable(host) == expected
