"""The live resolver against real servers: Unbound, rbldnsd, and a port that never answers."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from enrichment.facts import Question
from enrichment.gather.names import reverse
from enrichment.gather.resolver import Live
from tests.servers import free_port, rbldnsd, silent, unbound
from tests.soon import soon

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG = "v=DKIM1; p=" + "A" * 200
ZONES = ('"lapwing.test." static', '"closed.test." always_refuse')
DATA = (
    "www.lapwing.test. 300 IN A 192.0.2.10",
    "www.lapwing.test. 300 IN A 192.0.2.9",
    "six.lapwing.test. 300 IN AAAA 2001:db8::25",
    "lapwing.test. 300 IN SOA ns.lapwing.test. host.lapwing.test. 1 3600 900 86400 60",
    "lapwing.test. 300 IN MX 10 MX.lapwing.test.",
    'key.lapwing.test. 300 IN TXT "v=DKIM1; p=" "' + "A" * 200 + '"',
    "10.2.0.192.in-addr.arpa. 300 IN PTR Dyn-10.pool.lapwing.test.",
)
BIG = tuple(f'big.lapwing.test. 300 IN TXT "{number:03}-{"x" * 240}"' for number in range(60))
ALIASES = """
@ 300 IN SOA ns host 1 3600 900 86400 60
@ 300 IN NS ns
www 300 IN CNAME target
target 300 IN A 192.0.2.77
nowhere 300 IN CNAME missing
round 300 IN CNAME about
about 300 IN CNAME round
"""
BLOCKED = ":127.0.0.4:on the list since today\n192.0.2.99\n192.0.2.100 :127.0.0.10:dial-up\n"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An Unbound with data of its own, in front of a rbldnsd that knows one of two zones."""
    with rbldnsd({"bl.test": ("ip4set", BLOCKED)}) as list_:
        forward = {"bl.test.": list_, "broken.test.": list_}
        with unbound((*DATA, *BIG), ZONES, {"alias.test.": ALIASES}, forward) as port:
            yield f"127.0.0.1:{port}"


@pytest.fixture
def live(server: str) -> Live:
    return Live((server,), Clock())


def one(live: Live, type_: str, name: str) -> tuple[str, tuple[str, ...]]:
    (lookup,) = live.ask([Question(type=type_, name=name)])
    return lookup.status, lookup.answers


def test_addresses_come_sorted(live: Live) -> None:
    assert one(live, "A", "www.lapwing.test") == ("answer", ("192.0.2.10", "192.0.2.9"))
    assert one(live, "AAAA", "six.lapwing.test") == ("answer", ("2001:db8::25",))


def test_who_answered_and_when_is_kept(live: Live, server: str) -> None:
    (lookup,) = live.ask([Question(type="A", name="www.lapwing.test")])
    assert (lookup.by, lookup.at) == (server, NOW)


def test_names_come_in_lower_case_without_final_dot(live: Live) -> None:
    assert one(live, "MX", "lapwing.test") == ("answer", ("10 mx.lapwing.test",))
    assert one(live, "PTR", reverse("192.0.2.10")) == ("answer", ("dyn-10.pool.lapwing.test",))


def test_a_name_that_does_not_exist(live: Live) -> None:
    assert one(live, "A", "nothing.lapwing.test") == ("nxdomain", ())


def test_a_name_without_such_data(live: Live) -> None:
    assert one(live, "AAAA", "www.lapwing.test") == ("nodata", ())


def test_strings_of_a_txt_are_joined(live: Live) -> None:
    assert one(live, "TXT", "key.lapwing.test") == ("answer", (LONG,))


def test_an_alias_is_followed(live: Live) -> None:
    assert one(live, "A", "www.alias.test") == ("answer", ("192.0.2.77",))
    assert one(live, "A", "nowhere.alias.test") == ("nxdomain", ())


def test_aliases_in_a_circle_are_a_failure_or_nothing(live: Live) -> None:
    status, answers = one(live, "A", "round.alias.test")
    assert status in ("servfail", "nodata")
    assert answers == ()


def test_a_listed_address_gives_its_code(live: Live) -> None:
    assert one(live, "A", reverse("192.0.2.99", "bl.test")) == ("answer", ("127.0.0.4",))
    assert one(live, "A", reverse("192.0.2.100", "bl.test")) == ("answer", ("127.0.0.10",))
    assert one(live, "TXT", reverse("192.0.2.99", "bl.test")) == ("answer", ("on the list since today",))


def test_an_address_that_is_not_listed(live: Live) -> None:
    assert one(live, "A", reverse("192.0.2.1", "bl.test")) == ("nxdomain", ())


def test_a_blocklist_asked_directly() -> None:
    with rbldnsd({"bl.test": ("ip4set", BLOCKED)}) as port:
        live = Live((f"127.0.0.1:{port}",), Clock())
        assert one(live, "A", reverse("192.0.2.99", "bl.test")) == ("answer", ("127.0.0.4",))


def test_a_server_that_fails(live: Live) -> None:
    assert one(live, "A", "www.broken.test") == ("servfail", ())


def test_a_server_that_refuses(live: Live) -> None:
    assert one(live, "A", "www.closed.test") == ("refused", ())


def test_a_large_answer_comes_over_tcp(live: Live) -> None:
    status, answers = one(live, "TXT", "big.lapwing.test")
    assert status == "answer"
    assert len(answers) == 60
    assert answers[7] == "007-" + "x" * 240


def test_silence_is_a_timeout_within_its_time() -> None:
    with silent() as port:
        live = Live((f"127.0.0.1:{port}",), Clock(), timeout=0.4)
        with soon(time.monotonic):
            assert one(live, "A", "www.lapwing.test") == ("timeout", ())


def test_many_silent_questions_end_with_the_budget() -> None:
    with silent() as port:
        live = Live((f"127.0.0.1:{port}",), Clock(), timeout=60, budget=0.5)
        with soon(time.monotonic):
            lookups = live.ask([Question(type="A", name=f"host-{number}.lapwing.test") for number in range(60)])
        assert {(each.status, each.by) for each in lookups} == {("timeout", "budget")}


def test_a_second_server_answers_for_a_silent_one(server: str) -> None:
    with silent() as port:
        live = Live((f"127.0.0.1:{port}", server), Clock(), timeout=1.0)
        assert one(live, "A", "six.lapwing.test") == ("nodata", ())


def test_nobody_listening_is_not_an_answer() -> None:
    status, _ = one(Live((f"127.0.0.1:{free_port()}",), Clock(), timeout=0.4), "A", "www.lapwing.test")
    assert status in ("timeout", "servfail")


@pytest.mark.parametrize("name", ["a..com", "", ".", "x" * 64 + ".test", "a b.test", "\x00.test", "a." * 200 + "test"])
def test_what_is_no_name_is_never_sent(name: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.2)
        live = Live((f"127.0.0.1:{udp.getsockname()[1]}",), Clock(), timeout=0.2)
        (lookup,) = live.ask([Question(type="A", name=name)])
        assert (lookup.status, lookup.by, lookup.name) == ("refused", "not-a-name", name)
        with pytest.raises(TimeoutError):
            udp.recv(512)


def test_more_than_the_limit_is_refused_by_name(server: str) -> None:
    live = Live((server,), Clock(), most=2)
    lookups = live.ask([Question(type="A", name=f"{each}.lapwing.test") for each in ("www", "six", "third")])
    assert [each.status for each in lookups] == ["answer", "nodata", "refused"]
    assert lookups[2].by == "limit"


def test_order_and_repeats_are_kept(live: Live) -> None:
    names = ["www.lapwing.test", "nothing.lapwing.test", "www.lapwing.test"]
    lookups = live.ask([Question(type="A", name=each) for each in names])
    assert [each.name for each in lookups] == names
    assert lookups[0] == lookups[2]


@pytest.mark.parametrize(("name", "status"), [("www.lapwing.test", "answer"), ("nothing.lapwing.test", "nxdomain")])
def test_answers_are_kept_for_their_time_to_live(name: str, status: str) -> None:
    clock = Clock()
    with unbound(DATA, ZONES) as port:
        live = Live((f"127.0.0.1:{port}",), clock, timeout=0.4)
        assert one(live, "A", name)[0] == status
    clock.now += timedelta(seconds=30)
    (kept,) = live.ask([Question(type="A", name=name)])
    assert (kept.status, kept.at) == (status, NOW)
    clock.now += timedelta(days=2)
    assert one(live, "A", name)[0] in ("timeout", "servfail")


def test_a_hostile_server_gives_statuses_and_no_exceptions() -> None:
    answers = [b"", b"\x00" * 12, b"\xff" * 600, b"\xc0\x0c" * 40]
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(3)

        def serve() -> None:
            for answer in answers:
                try:
                    query, peer = udp.recvfrom(600)
                except TimeoutError:
                    return
                # The right id and question bits, then a name that points at itself: a compression loop.
                udp.sendto(query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\xc0\x0c" + answer, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        live = Live((f"127.0.0.1:{udp.getsockname()[1]}",), Clock(), timeout=0.4)
        lookups = live.ask([Question(type="A", name=f"n{number}.lapwing.test") for number in range(4)])
        thread.join()
    assert {each.status for each in lookups} <= {"timeout", "servfail"}


def test_a_nameserver_that_is_no_address_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        Live(("ns.example",), Clock())
