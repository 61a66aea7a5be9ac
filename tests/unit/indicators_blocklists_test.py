"""Answers of blocklists: exact codes, sums of bits, refusals and inventions are kept apart."""

import pytest

from enrichment.blocklists import NAMES, OTHERS, ZONES, Zone, read, zones_named
from enrichment.facts import Lookup


def answer(*answers: str, status: str = "answer") -> Lookup:
    return Lookup(type="A", name="7.100.51.198.zone.test", status=status, answers=answers)


def zone(name: str) -> Zone:
    return zones_named([name])[0]


@pytest.mark.parametrize(
    ("name", "lookup", "status", "kinds"),
    [
        ("zen.spamhaus.org", answer("127.0.0.11", "127.0.0.4"), "listed", {"dynamic", "exploited"}),
        ("zen.spamhaus.org", answer("127.0.0.2", "127.0.0.9"), "listed", {"spam", "drop"}),
        ("zen.spamhaus.org", answer(status="nxdomain"), "clean", set()),
        ("zen.spamhaus.org", answer("127.255.255.254"), "blocked", set()),
        ("zen.spamhaus.org", answer("127.0.0.2", "127.255.255.255"), "blocked", set()),
        ("zen.spamhaus.org", answer("127.0.0.1"), "error", set()),
        ("zen.spamhaus.org", answer("127.0.0.99"), "error", set()),
        ("zen.spamhaus.org", answer("192.0.2.1"), "rewritten", set()),
        ("zen.spamhaus.org", answer(status="timeout"), "error", set()),
        ("zen.spamhaus.org", answer(status="servfail"), "error", set()),
        ("zen.spamhaus.org", answer(status="withheld"), "error", set()),
        ("zen.spamhaus.org", None, "error", set()),
        ("dnsbl.dronebl.org", answer("127.0.0.9"), "listed", {"proxy"}),
        ("dnsbl.dronebl.org", answer("127.0.0.17"), "listed", {"exploited"}),
        ("dnsbl.sorbs.net", answer("127.0.0.5"), "listed", {"relay"}),
        ("multi.surbl.org", answer("127.0.0.72"), "listed", {"spam"}),
        ("multi.surbl.org", answer("127.0.0.1"), "blocked", set()),
        ("bl.score.senderscore.com", answer("127.0.0.5"), "listed", {"exploited", "spam"}),
        ("bl.score.senderscore.com", answer("127.0.1.5"), "error", set()),
        ("list.dnswl.org", answer("127.0.3.2"), "listed", {"welcome"}),
        ("list.dnswl.org", answer("127.0.10.0"), "blocked", set()),
    ],
)
def test_read(name: str, lookup: Lookup | None, status: str, kinds: set[str]) -> None:
    listing = read(zone(name), lookup)
    assert (listing.status, {code.kind for code in listing.codes}) == (status, kinds)
    assert bool(listing.why) == (status in ("blocked", "error", "rewritten"))


def test_the_table_is_whole() -> None:
    assert len(NAMES) == len(ZONES) + len(OTHERS)
    for each in (*ZONES, *OTHERS):
        octets = [code.octets for code in each.codes]
        assert len(set(octets)) == len(octets)
        assert not set(octets) & set(each.blocked)
        assert all(code.says and code.kind for code in each.codes)
        assert all(part.isdecimal() for code in each.codes for part in code.octets.split("."))
        if each.bits:
            assert all(int(value).bit_count() == 1 for value in octets)


def test_a_list_that_nobody_can_read_is_no_choice() -> None:
    with pytest.raises(ValueError, match=r"list\.example\.test"):
        zones_named(["zen.spamhaus.org", "list.example.test"])
