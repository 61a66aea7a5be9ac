"""Fuzz targets: one for each parser of hostile bytes, with its seeds and with what must hold of any result.

A target takes any bytes. It may raise nothing; `checked` adds that a result comes in time. Nothing is asked or fetched:
a question to the DNS stays open, or is answered by the bytes at hand.
"""

import io
import tarfile
import time
import zipfile
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from gzip import compress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from enrichment import addresses, path, received
from enrichment.enrich import Examined, _cites, proven
from enrichment.facts import Lookup
from enrichment.gather import dmarc, keys, registry, resolver
from enrichment.gather.asked import Asked
from enrichment.gather.authentication import evaluate
from enrichment.gather.names import alabels, reverse
from enrichment.gather.reported import reported
from intake import header, html, links, message, mime, words
from intake.api_body import KEY
from intake.errors import Refused
from intake.formats import open_submission, rtf
from intake.lines import BESIDE, Line
from intake.message import Header
from intake.record import Cite, canonical
from intake.report import Claims
from intake.smtp_dialogue import Client, Dialogue
from intake.smtp_settings import Settings
from intake.smtp_syntax import Dots
from intake.upload_form import Form
from tests import corpora
from tests.cfb import outlook_message
from tests.unit.lines_test import GOOD, read

GOLDEN = Path(__file__).parents[1] / "golden"
AT = datetime(2026, 11, 23, tzinfo=UTC)
EDGES = ("example.net",)
SECONDS = 1.0
"""Most seconds of CPU for 10 kB."""
LARGEST = 64 * 1024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Target(NamedTuple):
    """What is run, and what it starts from."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


class TooSlow(Exception):
    """A result that took longer than its bytes allow."""


def checked(run: Callable[[bytes], None], data: bytes) -> None:
    """Run one input; TooSlow where it twice takes more than a second of CPU for each 10 kB."""
    spent = 0.0
    for _ in range(2):
        began = time.process_time()
        run(data)
        spent = time.process_time() - began
        if spent <= SECONDS * max(1.0, len(data) / 10_000):
            return
    raise TooSlow(f"{spent:.1f} s for {len(data)} bytes")


def sound(*texts: str) -> None:
    """No lone surrogates, which no record can hold."""
    for text in texts:
        text.encode()


def text_of(data: bytes) -> str:
    """The bytes as the value of a field would be."""
    return mime.value(b"A:" + data, mime.Field("A", 0, 1, len(data) + 2))


# What each target does


def smtp_data(data: bytes) -> None:
    """The end of a message is found at the same place however its bytes are cut."""
    whole = Dots()
    kept, after = whole.take(data)
    cut, pieces, rest = Dots(), [], b""
    for at in range(0, len(data), 1 + len(data) % 7):
        piece = data[at : at + 1 + len(data) % 7]
        if cut.ended:
            rest += piece
            continue
        plain, more = cut.take(piece)
        pieces.append(plain)
        rest += more
    assert cut.ended == whole.ended
    assert not whole.ended or (b"".join(pieces) == kept and rest == after)


def smtp_dialogue(data: bytes) -> None:
    """Each reply is one reply; what was said can be kept."""
    client = Client(
        lambda account: ("", 0.0), lambda address: True, lmtp=len(data) % 2 == 1, auth=True, plain_auth=True
    )
    dialogue = Dialogue(Settings(), client)
    for line in data.split(b"\n")[:200]:
        reply, then, _ = dialogue.answer(line + b"\n")
        if then in ("cut", "quit"):
            return
        assert reply.isascii() and all(each[:3].isdigit() for each in reply.split("\r\n") if each)
    canonical(dialogue.envelope("192.0.2.1", 25, ""))


def splitter(data: bytes) -> None:
    """Offsets in order, every part inside its parent, limits kept."""
    tree = mime.split(data)
    assert len(tree.nodes) <= mime.PARTS
    for node in tree.nodes:
        assert 0 <= node.header_start <= node.body_start <= node.end <= len(data) and node.depth <= mime.DEPTH
        above = tree.nodes[max(node.parent, 0)]
        assert above.header_start <= node.header_start and node.end <= max(above.end, node.body_start)
        for field in node.fields:
            assert node.header_start <= field.start < field.colon < field.end <= node.body_start
            sound(mime.value(data, field))
        sound(node.name, node.charset, *(part for pair in node.params for part in pair))
        mime.decoded(data, node, 1_000_000)
    assert mime.head(data).fields == tree.root.fields or tree.root.children


def headers(data: bytes) -> None:
    """Addresses, dates, words and parameters of a value."""
    text = text_of(data)
    boxes, _ = header.mailboxes(text)
    for box in boxes:
        sound(*box, header.address_inside(box.name))
    header.moment(text)
    sound(header.bracketed(text), words.words(text))
    bare, parameters = words.parameters(text)
    sound(bare, *(part for pair in parameters for part in pair))


def whole_message(data: bytes) -> None:
    """A Message that can be kept, whose cites lie in its bytes."""
    found = message.derive(data)
    canonical(found)
    assert proven(_cites(Examined(message=found)), found, ())


def received_line(data: bytes) -> None:
    canonical(received.read(Header(name="Received", value=text_of(data), cite=Cite(of="x", start=0, end=1))))


def address(data: bytes) -> None:
    text = text_of(data)[:300]
    if addresses.parse(text) is not None:
        addresses.kind(text)
        addresses.private(text)
    for name in (alabels(text), reverse(text)):
        assert name.isascii()


def markup(data: bytes) -> None:
    """What a page shows, hides and leads to."""
    page = html.read(data.decode("utf-8", "replace"))
    sound(page.text, page.hidden)
    assert len(page.anchors) <= 500


def link(data: bytes) -> None:
    """Links in a text, where they lead, and what is wrapped in them."""
    text = data.decode("utf-8", "replace")
    for raw in (*list(links.in_text(text))[:50], text[: links.LONGEST]):
        found = links.target(raw)
        sound(found.url, found.host, found.domain)
        if found.url:
            links.unwrapped(found.url)


def opened(data: bytes, filename: str = "", cover: bool = True) -> None:
    """Each slice and each decoding lies in bytes that are there, and something is always found."""
    found = open_submission(data, filename, cover=cover)
    sources = {-1: len(data)} | {index: len(made.data) for index, made in enumerate(found.made)}
    assert found.found
    for each in found.found:
        assert 0 <= each.start <= each.end <= sources[each.source]
        canonical(each)
    for index, made in enumerate(found.made):
        assert made.source < index and 0 <= made.start <= made.end <= sources[made.source]


def outlook(data: bytes) -> None:
    opened(data if data.startswith(OLE) else OLE + data, "a.msg")


def rich_text(data: bytes) -> None:
    """The reader of RTF alone; its caller takes whatever the decompressor raises for damage."""
    with suppress(Exception):
        rtf.read(data)
    sound(rtf._Reader(b"\\fromhtml" in data[:2000]).run(data))


def bundle(data: bytes) -> None:
    opened(data, "a.mbox", cover=False)


def authentication(data: bytes) -> None:
    """Judged with no answer, then with the first line of the bytes as the answer to every question."""
    found = message.derive(data)
    hops, boundary = path.walk(found, EDGES, Claims())
    claimed = reported(found, boundary, EDGES)
    answers: dict[str, Lookup] = {}
    said = (data.partition(b"\n")[0].decode("utf-8", "replace"),)
    for _ in range(4):
        result = evaluate(data, found, hops, boundary, answers, AT, claimed)
        for check in result.checks:
            canonical(check)
        if not result.questions:
            break
        answers |= {q.id: Lookup(type=q.type, name=q.name, status="answer", answers=said) for q in result.questions}


def dns_answer(data: bytes) -> None:
    """Records as a server sends them, and their texts read as keys, policies and networks."""
    import dns.exception
    import dns.message

    texts = [data.decode("utf-8", "backslashreplace")]
    with suppress(dns.exception.DNSException):
        for group in dns.message.from_wire(data).answer:
            texts += [resolver._line(each) for each in group]
    for text in texts:
        lookup = Lookup(type="TXT", name="x.example", status="answer", answers=(text,))
        keys.key(lookup)
        every = {name: lookup for name in ("TXT _dmarc.a.example", "TXT _dmarc.example")}
        dmarc.dmarc("a.example", (), Asked(every), ())
        registry.network("192.0.2.1", {"TXT 1.2.0.192.origin.asn.cymru.com": lookup})


class _Sink:
    """Takes the bytes of an upload."""

    def feed(self, chunk: bytes) -> None:
        assert chunk


def upload(data: bytes) -> None:
    """A form, its boundary in the first line, cut into pieces; only a refusal may come of it."""
    first, _, body = data.partition(b"\n")
    size = 1 + len(data) % 97
    try:
        form = Form(first.decode("latin-1").strip(), lambda name: _Sink())  # type: ignore[arg-type,return-value]
        for at in range(0, len(body), size):
            form.write(body[at : at + size])
        form.end()
    except Refused:
        pass


# What each target starts from


def lines(data: bytes) -> None:
    """Lines of JSON: cut anywhere the same, and each as a reader of the whole line has it."""
    items, cut = ([each if each[4] == "whole" else each[4][0] for each in read(data, n).items] for n in (0, 3))
    assert items == cut
    for line in (each for each in data.split(b"\n") if each.count(b"essage") == 1 and len(each) < BESIDE):
        try:
            given = msgspec.json.decode(line, type=Line)
            message = a2b_base64(given.message, strict_mode=True)
        except ValueError:
            continue
        said = [given.filename, given.id[:KEY], given.idempotency_key, message, "whole"]
        assert said in items or "idempotency-key" in items


def mails(*folders: str) -> Callable[[], list[bytes]]:
    """The golden mails in these folders, and some of the corpora where they are."""

    def seeds() -> list[bytes]:
        found = [file.read_bytes() for folder in folders for file in sorted((GOLDEN / folder).rglob("*.eml"))]
        return found + [data for data in real() if len(data) <= LARGEST]

    return seeds


def real() -> Iterator[bytes]:
    """Every 20th mail of the corpora."""
    folder = corpora.found()
    if folder is not None:
        yield from (file.read_bytes() for file in sorted(folder.rglob("*.eml"))[::20])


def values(*names: str) -> Callable[[], list[bytes]]:
    """The values of these header fields in the golden mails."""

    def seeds() -> list[bytes]:
        found: dict[bytes, None] = {}
        for data in mails("message", "formats", "indicators")():
            for field in mime.head(data).fields:
                if field.name.lower() in names:
                    found[data[field.colon + 1 : field.end]] = None
        return list(found)

    return seeds


def bodies() -> list[bytes]:
    """The decoded leaves of the golden mails."""
    found = []
    for data in mails("message", "formats")():
        found += [mime.decoded(data, node) for node in mime.split(data).nodes if not node.children]
    return [each for each in found if 0 < len(each) <= LARGEST]


def items() -> list[bytes]:
    plain: dict[int, Any] = {0x001A: "IPM.Note", 0x0037: "subject", 0x1000: "text", 0x007D: "From: a@a.example\r\n"}
    rich = {0x001A: "IPM.Note", 0x1013: b"<p>x</p>", 0x0C1A: "A", 0x5D01: "a@a.example", 0x0039: AT}
    return [outlook_message(each, {0x3003: "b@example.net"}) for each in (plain, rich)]


def archives() -> list[bytes]:
    mail = b"From: a@a.example\nSubject: x\n\nbody\n"
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.eml", mail)
        archive.writestr("b/c.eml", mail * 3)
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        info = tarfile.TarInfo("a" * 120 + ".eml")
        info.size = len(mail)
        tar.addfile(info, io.BytesIO(mail))
    box = (b"From a@a.example Mon Nov 23 10:00:00 2026\n" + mail + b"\n") * 2
    return [zipped.getvalue(), tarred.getvalue(), compress(mail, mtime=0), compress(tarred.getvalue(), mtime=0), box]


def xarf_reports() -> list[bytes]:
    return [
        b'{"xarf_version": "4.0.0", "type": "spam", "source_identifier": "192.0.2.1", "evidence": [{"content_type": '
        b'"message/rfc822", "payload": "RnJvbTogYQoKYg=="}]}',
        b'{"ReporterInfo": {}, "Report": {"ReportType": "Spam", "SourceIp": "192.0.2.1", "Samples": [{"ContentType": '
        b'"message/rfc822", "Base64Encoded": false, "Payload": "From: a\\n\\nb"}]}}',
    ]


def dialogues() -> list[bytes]:
    return [
        b"EHLO a.example\r\nMAIL FROM:<a@a.example> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<b@example.net>\r\nDATA\r\n",
        b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<\"a>b\"@c>\r\nRSET\r\nNOOP\r\nVRFY x\r\nQUIT\r\n",
        "EHLO ü\r\nMAIL FROM:<ü@a.example> SMTPUTF8\r\nRCPT TO: x@y\r\n".encode(),
    ]  # fmt: skip


def ends() -> list[bytes]:
    return [b"a\r\n.\r\nQUIT\r\n", b"..x\r\n..\r\n.\r", b".\r\n", b"a\n.\n\r\n.\n\r.\r\r\n.\r\nmore"]


def answers() -> list[bytes]:
    import dns.message

    ask = dns.message.make_query("x.example", "TXT", id=1)
    reply = dns.message.make_response(ask)
    texts = ['"v=DKIM1; p=AAAA; t=s:y"', '"v=DMARC1; p=none; np=reject; psd=u"', '"64500 | 192.0.2.0/24 | US | arin |"']
    reply.answer.append(dns.rrset.from_text("x.example.", 60, "IN", "TXT", *texts))
    return [reply.to_wire(), *(text.strip('"').encode() for text in texts)]


def forms() -> list[bytes]:
    head = b"multipart/form-data; boundary=b\n"
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.eml"\r\n\r\nFrom: a\r\n\r\nx\r\n--b--\r\n'
    return [head + file, head + file.replace(b'"file"; filename="a.eml"', b'"source"'), head + b"--b\r\n\r\n--b--\r\n"]


TARGETS: dict[str, Target] = {
    "smtp-data": Target(smtp_data, ends),
    "smtp-dialogue": Target(smtp_dialogue, dialogues),
    "splitter": Target(splitter, mails("message", "formats")),
    "headers": Target(headers, values("from", "to", "subject", "date", "message-id", "content-type")),
    "message": Target(whole_message, mails("message")),
    "received": Target(received_line, values("received", "x-received")),
    "addresses": Target(address, lambda: [b"192.0.2.1", b"[IPv6:2001:db8::1]", b"::ffff:192.0.2.1", b"xn--a.example"]),
    "html": Target(markup, bodies),
    "links": Target(link, bodies),
    "msg": Target(outlook, items),
    "rtf": Target(rich_text, lambda: [b"{\\rtf1\\ansi\\fromhtml1{\\*\\htmltag64 <p>}x\\'e9\\u233?\\par}"]),
    "archive": Target(bundle, archives),
    "arf": Target(opened, mails("formats")),
    "xarf": Target(lambda data: opened(data, "a.json"), xarf_reports),
    "forward": Target(opened, mails("formats")),
    "authentication": Target(authentication, mails("indicators")),
    "dns": Target(dns_answer, answers),
    "upload": Target(upload, forms),
    "lines": Target(lines, lambda: [each.encode() for each in GOOD]),
}  # fmt: skip
