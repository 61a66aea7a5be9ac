"""Questions: what to ask the DNS about one report, next to what its authentication needs.

Of the boundary address: its reverse name, whether that leads back, every list, the network with its number, name and
country of allocation. Of the domains that the message uses: who takes their mail. Some questions
follow from answers, so the caller asks, and calls again with the answers, until nothing comes back.
Sources: RFC 8601 section 3 (iprev), RFC 5782 (lists), Team Cymru's IP to ASN service.
"""

from collections.abc import Mapping, Sequence

from enrichment.askable import ORIGIN, askable
from enrichment.blocklists import Zone
from enrichment.examination import Boundary
from enrichment.facts import Lookup, Question
from enrichment.gather.names import alabels, reverse
from intake.domains import registrable
from intake.message import Message

DOMAINS = 20
"""Domains of one message that are asked for; links of padding must not make us ask thousands of questions."""
NAMES = 10
"""Reverse names of one address that are followed (RFC 8601 section 3)."""


def questions(
    message: Message, boundary: Boundary, zones: Sequence[Zone], answers: Mapping[str, Lookup]
) -> tuple[Question, ...]:
    """What is still to be asked, each once; `answers` are Lookups by question id, those withheld included.

    Domains beyond the first 20 are left out; `limits` says so.
    """
    wanted = dict.fromkeys((*_of_the_address(boundary.ip, zones, answers), *_of_the_domains(message)))
    return tuple(each for each in wanted if each.id not in answers)


def limits(message: Message) -> tuple[str, ...]:
    """('domains',) where a message has more domains than are asked for."""
    return ("domains",) if len(_domains(message)) > DOMAINS else ()


def learned(answers: Mapping[str, Lookup]) -> frozenset[str]:
    """The names that answers to reverse questions gave; `askable` lets them pass."""
    pointers = (each for each in answers.values() if each.type == "PTR" and each.status == "answer")
    return frozenset(name for each in pointers for name in each.answers[:NAMES])


def withheld(question: Question) -> Lookup:
    """The Lookup of a question that must not be put yet."""
    return Lookup(type=question.type, name=question.name, status="withheld")


def divided(
    wanted: Sequence[Question], zones: Sequence[Zone], answers: Mapping[str, Lookup], seen: Mapping[str, int]
) -> tuple[tuple[Question, ...], tuple[Lookup, ...]]:
    """What may be put now, and a Lookup 'withheld' for each of the rest.

    `seen` counts by name the different reporters who sent it.
    """
    lists, names = {zone.zone for zone in zones}, learned(answers)
    may, held = [], []
    for each in wanted:
        if askable(each, lists, names, seen.get(each.name, 0)):
            may.append(each)
        else:
            held.append(withheld(each))
    return tuple(may), tuple(held)


def _of_the_address(ip: str, zones: Sequence[Zone], answers: Mapping[str, Lookup]) -> list[Question]:
    pointer = reverse(ip)
    if not pointer:
        return []
    version = "ip6" in pointer
    origin = reverse(ip, ORIGIN[version])
    lists = [Question(type="A", name=reverse(ip, zone.zone)) for zone in zones if zone.about == "address"]
    first = [Question(type="PTR", name=pointer), Question(type="TXT", name=origin), *lists]
    return first + _back(answers.get(f"PTR {pointer}"), version) + _network(answers.get(f"TXT {origin}"))


def _back(pointer: Lookup | None, version: bool) -> list[Question]:
    """Whether the reverse names lead back: the address type of the address itself."""
    if pointer is None or pointer.status != "answer":
        return []
    names = (name for text in pointer.answers[:NAMES] if (name := alabels(text)))
    return [Question(type="AAAA" if version else "A", name=name) for name in names]


def _network(origin: Lookup | None) -> list[Question]:
    """The name of the network; several origins stand in one answer."""
    if origin is None or origin.status != "answer":
        return []
    numbers = {n for text in origin.answers[:4] for n in text.partition("|")[0].split() if n.isdecimal()}
    return [Question(type="TXT", name=f"as{number}.asn.cymru.com") for number in sorted(numbers)[:4]]


def _of_the_domains(message: Message) -> list[Question]:
    """Of every domain who takes its mail; of the envelope's also whether the domain itself is the sending host."""
    envelope = registrable(alabels(_envelope(message)))
    own = [Question(type="A", name=envelope), Question(type="AAAA", name=envelope)] if envelope else []
    return own + [Question(type="MX", name=domain) for domain in _domains(message)[:DOMAINS]]


def _envelope(message: Message) -> str:
    return message.return_path.strip("<> ").rpartition("@")[2]


def _domains(message: Message) -> list[str]:
    """Registrable domains of sender, answer address, envelope and links, in that order."""
    senders = [each.address.rpartition("@")[2] for each in (*message.from_, *message.reply_to)]
    hosts = [*senders, _envelope(message), *(link.host for link in message.links)]
    names = (registrable(alabels(host)) for host in dict.fromkeys(hosts))
    return list(dict.fromkeys(name for name in names if name))
