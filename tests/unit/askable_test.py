"""The rule of what may be asked, and the questions of a report under it."""

import pytest

from enrichment.askable import askable
from enrichment.blocklists import ZONES
from enrichment.examination import Boundary
from enrichment.facts import Lookup, Question
from enrichment.questions import DOMAINS, divided, learned, limits, questions
from intake.message import derive

NIBBLES = "7.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.2.0.0.4.6.0.0.8.b.d.0.1.0.0.2"


def ask(text: str, **more: object) -> bool:
    type_, _, name = text.partition(" ")
    return askable(Question(type=type_, name=name), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "PTR 7.100.51.198.in-addr.arpa",
        f"PTR {NIBBLES}.ip6.arpa",
        "A 7.100.51.198.zen.spamhaus.org",
        f"A {NIBBLES}.zen.spamhaus.org",
        "TXT 7.100.51.198.origin.asn.cymru.com",
        "TXT as64496.asn.cymru.com",
        "MX sender.test",
        "A sender.co.uk",
        "TXT sender.test",
        "TXT _dmarc.sender.test",
        "TXT _dmarc.co.uk",
        "TXT selector1._domainkey.gmail.com",
        "TXT _spf.google.com",
    ],
)
def test_at_once(text: str) -> None:
    assert ask(text)


@pytest.mark.parametrize(
    "text",
    [
        "A www.sender.test",
        "A u-31337.sender.test",
        "TXT s1._domainkey.sender.test",
        "TXT _dmarc.u-31337.sender.test",
        "TXT _spf.sender.test",
        "TXT _dmarc._dmarc.sender.test",
        "A 7.100.51.198.lists.sender.test",
        "A 7.100.51.198.sender.test",
        "TXT x.7.100.51.198.origin.asn.cymru.com",
        "A 999.100.51.198.zen.spamhaus.org",
        "PTR token.in-addr.arpa",
        "PTR u.7.100.51.198.in-addr.arpa",
        "A 51.198.zen.spamhaus.org",
        "A u-31337.zen.spamhaus.org",
        "TXT asx.asn.cymru.com",
        "CNAME sender.test",
        "A notgmail.com.sender.test",
        "A ",
    ],
)
def test_other_names_wait(text: str) -> None:
    assert not ask(text)
    assert not ask(text, reporters=2)
    assert ask(text, reporters=3)
    assert ask(text, decided=True)


def test_names_that_an_address_led_to_are_followed() -> None:
    assert not ask("A line7.isp.test")
    assert ask("A line7.isp.test", learned={"line7.isp.test"})
    assert not ask("MX line7.isp.test", learned={"line7.isp.test"})


def test_only_lists_of_the_operator_are_asked() -> None:
    assert ask("A 7.100.51.198.list.test", zones={"list.test"})
    assert not ask("A 7.100.51.198.zen.spamhaus.org", zones={"list.test"})


MAIL = derive(
    b"Return-Path: <b@post.sender.test>\nFrom: a@sender.test\nReply-To: c@answer.test\nContent-Type: text/html\n\n"
    b'<a href="https://u-31337.shop.test/x">go</a>\n'
)
AT = Boundary(index=0, ip="198.51.100.7")


def test_questions_follow_from_answers() -> None:
    answers: dict[str, Lookup] = {}
    rounds = []
    world = {
        "PTR 7.100.51.198.in-addr.arpa": ("line7.isp.test",),
        "TXT 7.100.51.198.origin.asn.cymru.com": ("64496 64497 | 198.51.100.0/24 | DE | ripencc | 2011-05-17",),
    }
    while wanted := questions(MAIL, AT, ZONES, answers):
        may, held = divided(wanted, ZONES, answers, {})
        assert held == ()
        rounds.append({each.id for each in may})
        for each in may:
            found = world.get(each.id, ())
            status = "answer" if found else "nxdomain"
            answers[each.id] = Lookup(type=each.type, name=each.name, status=status, answers=found)
    assert rounds[1] == {"A line7.isp.test", "TXT as64496.asn.cymru.com", "TXT as64497.asn.cymru.com"}
    assert {"MX sender.test", "MX answer.test", "MX shop.test", "A sender.test"} < rounds[0]
    assert {f"A 7.100.51.198.{zone.zone}" for zone in ZONES} < rounds[0]
    assert len(rounds) == 2
    assert not any("u-31337" in id_ for each in rounds for id_ in each)


def test_what_must_wait_becomes_a_lookup_that_says_so() -> None:
    wanted = (Question(type="MX", name="sender.test"), Question(type="A", name="u-1.sender.test"))
    may, held = divided(wanted, ZONES, {}, {})
    assert may == wanted[:1]
    assert [(each.id, each.status, each.known) for each in held] == [("A u-1.sender.test", "withheld", False)]
    assert divided(wanted, ZONES, {}, {"u-1.sender.test": 3}) == (wanted, ())


def test_without_a_boundary_no_address_is_asked_for() -> None:
    assert {each.type for each in questions(MAIL, Boundary(), ZONES, {})} == {"MX", "A", "AAAA"}


def test_ipv6_is_asked_in_nibbles_and_confirmed_by_aaaa() -> None:
    pointer = Lookup(type="PTR", name=f"{NIBBLES}.ip6.arpa", status="answer", answers=("mx.isp.test",))
    wanted = questions(MAIL, Boundary(index=0, ip="2001:db8:64:25::17"), ZONES, {pointer.id: pointer})
    asked = {each.id for each in wanted}
    assert {"AAAA mx.isp.test", f"A {NIBBLES}.zen.spamhaus.org", f"TXT {NIBBLES}.origin6.asn.cymru.com"} < asked
    assert learned({pointer.id: pointer}) == {"mx.isp.test"}


def test_padding_with_domains_is_cut_and_said() -> None:
    links = "".join(f'<a href="https://x{n}.test/">x</a>' for n in range(50))
    padded = derive(f"From: a@sender.test\nContent-Type: text/html\n\n{links}".encode())
    assert len(questions(padded, Boundary(), (), {})) == DOMAINS
    assert limits(padded) == ("domains",)
    assert limits(MAIL) == ()
