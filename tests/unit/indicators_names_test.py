"""What the reverse name of an address and its HELO give away."""

import pytest

from enrichment.generic import kind
from enrichment.helo import signs


@pytest.mark.parametrize(
    ("name", "ip", "expected"),
    [
        ("203-0-113-41.dynamic.isp.test", "203.0.113.41", "dynamic"),
        ("dynamic-203-0-113-77.isp.test", "203.0.113.77", "dynamic"),
        ("c-203-0-113-77.hsd1.vt.isp.test", "203.0.113.77", "dynamic"),
        ("pcb00714d.dip0.isp.test", "203.0.113.77", "dynamic"),
        ("77.113.0.203.broad.isp.test", "203.0.113.77", "dynamic"),
        ("203-0-113-77.isp.test", "203.0.113.77", "numbered"),
        ("cb00714d.isp.test", "203.0.113.77", "numbered"),
        ("host203000113077.isp.test", "203.0.113.77", "numbered"),
        ("ip-203-0-113-77.dsl-static.isp.test", "203.0.113.77", "static"),
        ("203-0-113-77.business.isp.test", "203.0.113.77", "static"),
        ("vps-77.hoster.test", "203.0.113.77", "hosted"),
        ("ec2-203-0-113-77.us-west-2.compute.amazonaws.com", "203.0.113.77", "hosted"),
        ("mail.sender.test", "203.0.113.77", "server"),
        ("out17.letters.test", "203.0.113.77", "server"),
        ("mx1.cable.isp.test", "203.0.113.77", "dynamic"),
        ("mail.cable.isp.test", "203.0.113.77", "server"),
        ("sender.test", "203.0.113.77", "plain"),
        ("alpha.sender.test", "203.0.113.77", "plain"),
        ("", "203.0.113.77", "plain"),
        ("alpha.sender.test", "2001:db8::1", "plain"),
    ],
)
def test_kind(name: str, ip: str, expected: str) -> None:
    assert kind(name, ip).value == expected


@pytest.mark.parametrize(
    ("helo", "word"),
    [
        ("WIN-8K3QJ5T", "personal computer"),
        ("LAPTOP-7Q2K4LM", "personal computer"),
        ("abcdef", "no domain name"),
        ("localhost.localdomain", "infected machines"),
        ("pc.lan", "local network"),
        ("[192.168.1.8]", "private address"),
        ("192.168.1.8", "private address"),
        ("203.0.113.41", "without brackets"),
        ("[198.51.100.1]", "another host"),
        ("[203.0.113.41]", ""),
        ("mail.sender.test", ""),
        ("", ""),
    ],
)
def test_helo_signs(helo: str, word: str) -> None:
    found = signs(helo, "203.0.113.41")
    assert len(found) == bool(word)
    assert all(word in says for says in found)
