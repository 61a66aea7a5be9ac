"""Who holds an address: Team Cymru's answers and MMDB files, both hostile until read."""

from pathlib import Path

import pytest

from enrichment.gather.registry import Mmdb, name_question, network, question
from intake.errors import Refused
from intake.record import Cite
from tests.mails import answers

ORIGIN = "TXT 25.2.0.192.origin.asn.cymru.com"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.25", "25.2.0.192.origin.asn.cymru.com"),
        ("::ffff:192.0.2.25", "25.2.0.192.origin.asn.cymru.com"),
        ("2001:db8::1", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.origin6.asn.cymru.com"),
    ],
)
def test_the_question(address: str, name: str) -> None:
    asked = question(address)
    assert asked is not None
    assert (asked.type, asked.name) == ("TXT", name)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "100.64.0.1", "fe80::1", "::1", "", "host.test", "192.0.2"]
)
def test_no_question_for_what_cannot_connect(address: str) -> None:
    assert question(address) is None


def test_the_longest_prefix_counts_and_the_name_is_added() -> None:
    found = network(
        "192.0.2.25",
        answers(
            {
                ORIGIN: [
                    "64500 | 192.0.0.0/16 | US | arin | 1999-01-01",
                    "64501 64502 | 192.0.2.0/24 | TW | apnic | 2011-05-03",
                ],
                "TXT as64501.asn.cymru.com": "64501 | TW | apnic | 2011-05-03 | SENDER-AS Sender Ltd, TW",
            }
        ),
    )
    assert found is not None
    assert (found.systems, found.prefix, found.allocated_to) == ((64501, 64502), "192.0.2.0/24", "TW")
    assert (found.registry, found.registered, found.name) == ("apnic", "2011-05-03", "SENDER-AS Sender Ltd, TW")
    assert (found.source, found.estimate) == ("Team Cymru", False)
    assert found.cites == (
        Cite(of="lookup:TXT 25.2.0.192.origin.asn.cymru.com"),
        Cite(of="lookup:TXT as64501.asn.cymru.com"),
    )


def test_a_missing_date_and_a_missing_name_are_empty() -> None:
    found = network("192.0.2.25", answers({ORIGIN: "64501 | 192.0.2.0/24 | TW | apnic |"}))
    assert found is not None
    assert (found.registered, found.name) == ("", "")


def test_an_ipv6_address() -> None:
    asked = question("2001:db8::1")
    assert asked is not None
    found = network("2001:db8::1", answers({asked.id: "64501 | 2001:db8::/32 | DE | ripencc | 2004-01-01"}))
    assert found is not None
    assert (found.prefix, found.allocated_to) == ("2001:db8::/32", "DE")


@pytest.mark.parametrize(
    "text",
    [
        "timeout", "withheld", "nxdomain", "", "|", "64501", "64501 | not a prefix | TW | apnic | d",
        "64501 | 198.51.100.0/24 | TW | apnic | d", "64501 | 2001:db8::/32 | TW | apnic | d", "x" * 60_000,
    ],
)  # fmt: skip
def test_an_answer_that_says_nothing_of_the_address(text: str) -> None:
    assert network("192.0.2.25", answers({ORIGIN: text})) is None


def test_nothing_asked_is_nothing_known() -> None:
    assert network("192.0.2.25", {}) is None
    assert network("10.0.0.1", {}) is None


@pytest.mark.parametrize(("country", "expected"), [("tw", "TW"), ("", ""), ("TWN", ""), ("<b", ""), ("台", "")])
def test_a_country_is_two_letters(country: str, expected: str) -> None:
    found = network("192.0.2.25", answers({ORIGIN: f"64501 | 192.0.2.0/24 | {country} | apnic | d"}))
    assert found is not None
    assert found.allocated_to == expected


def test_odd_numbers_are_left_out() -> None:
    found = network("192.0.2.25", answers({ORIGIN: f"x -1 {'9' * 30} 64501 | 192.0.2.0/24 | TW | apnic | d"}))
    assert found is not None
    assert found.systems == (64501,)
    assert name_question(64501).id == "TXT as64501.asn.cymru.com"


def encoded(value: object) -> bytes:
    """A value in the data format of MMDB: text, numbers, maps, lists."""
    if isinstance(value, str):
        data = value.encode()
        assert len(data) < 285
        return (bytes([0x40 | len(data)]) if len(data) < 29 else bytes([0x5D, len(data) - 29])) + data
    if isinstance(value, dict):
        return bytes([0xE0 | len(value)]) + b"".join(encoded(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return bytes([len(value), 4]) + b"".join(map(encoded, value))
    assert isinstance(value, int)
    data = value.to_bytes(4, "big").lstrip(b"\0")
    return bytes([0xC0 | len(data)]) + data


def mmdb(path: Path, bits: str, entry: dict[str, object]) -> Path:
    """An IPv4 database in which addresses that begin with `bits` have `entry`, and others nothing."""
    count = len(bits)
    tree = b""
    for number, bit in enumerate(bits):
        onward = number + 1 if number + 1 < count else count + 16
        pair = (onward, count) if bit == "0" else (count, onward)
        tree += b"".join(each.to_bytes(3, "big") for each in pair)
    metadata = {
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1795431600,
        "database_type": "Test", "ip_version": 4, "node_count": count, "record_size": 24,
        "description": {}, "languages": [],
    }  # fmt: skip
    path.write_bytes(tree + b"\0" * 16 + encoded(entry) + b"\xab\xcd\xefMaxMind.com" + encoded(metadata))
    return path


@pytest.mark.parametrize(
    "entry",
    [
        {"country": "Taiwan", "country_code": "TW", "asn": "AS64501", "as_name": "Sender Ltd"},
        {
            "country": {"iso_code": "TW"},
            "autonomous_system_number": 64501,
            "autonomous_system_organization": "Sender Ltd",
        },
    ],
)
def test_both_layouts_of_mmdb(tmp_path: Path, entry: dict[str, object]) -> None:
    file = Mmdb(mmdb(tmp_path / "test.mmdb", f"{192:08b}{0:08b}{2:08b}", entry))
    found = file.network("192.0.2.25")
    assert found is not None
    assert (found.allocated_to, found.systems, found.name) == ("TW", (64501,), "Sender Ltd")
    assert (found.prefix, found.estimate, found.source) == ("192.0.2.0/24", True, "Test, built 1795431600")
    assert file.network("198.51.100.1") is None
    assert file.network("2001:db8::1") is None
    assert file.network("no address") is None
    file.close()


def test_an_entry_without_members_says_nothing_odd(tmp_path: Path) -> None:
    file = Mmdb(mmdb(tmp_path / "test.mmdb", "11", {"country": "Taiwan", "asn": "many"}))
    found = file.network("192.0.2.25")
    assert found is not None
    assert (found.allocated_to, found.systems, found.name) == ("", (), "")
    file.close()


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.mmdb").write_bytes(b"not a database")
    for name in ("other.mmdb", "missing.mmdb"):
        with pytest.raises(Refused, match="mmdb"):
            Mmdb(tmp_path / name)
