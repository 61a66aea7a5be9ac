"""What is asked on the wire: mails whose every host name carries a mark of its recipient go through the line with the
DNS live, and no question holds a mark; no other packet leaves, and no connection is made to anything.

The server answers as a sender's would: it publishes SPF with macros, and everything else it denies.
"""

import base64
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from tests.servers import find, unbound
from tests.walker import COMMAND, Ran, explained, run

MAILS = 20
ZONES = ("zen.spamhaus.org", "dnsbl.dronebl.org", "bl.spamcop.net", "psbl.surriel.com")
REVERSE = re.compile(
    r"(?:[0-9a-f]{1,3}\.){4,32}(?:in-addr\.arpa|ip6\.arpa|origin6?\.asn\.cymru\.com|"
    + "|".join(map(re.escape, ZONES))
    + ")"
)
SPF = "v=spf1 include:%{l}.%{o}.spf.{d} exists:%{i}.%{l}.m.{d} a:%{s}.{d} include:_spf.{d} redirect=_{t}.{d}"


def mark(number: int, place: str) -> str:
    """The mark of one place in one mail: twelve hexadecimal digits that stand nowhere else."""
    return sha256(f"{number} {place}".encode()).hexdigest()[:12]


class Marks:
    """Hands out marks and remembers them in the forms that a mail may show them in."""

    def __init__(self) -> None:
        self.forms: dict[str, str] = {}

    def __call__(self, number: int, place: str, form: str = "") -> str:
        made = mark(number, place)
        forms = {
            "": made,
            "base32": base64.b32encode(made.encode()).decode().rstrip("=").lower(),
            "hex": made.encode().hex(),
        }
        self.forms |= {each: f"{place} of mail {number}" for each in forms.values()}
        return forms[form]


def mail(number: int, m: Marks, web: int) -> bytes:
    """One mail with a mark in every place that names a host; `web` is a port on which nobody must ever call."""
    d, t = f"evil{number}.test", lambda place, form="": m(number, place, form)
    html = (
        f'<a href="https://{t("link")}.click.{d}/{t("path")}?u={t("query")}">pay</a>'
        f'<a href="http://{t("b32", "base32")}.r.{d}/">one</a><a href="http://{t("hex", "hex")}.r.{d}/">two</a>'
        f'<a href="HTTP://{t("upper").upper()}.R.{d.upper()}./">three</a>'
        f'<a href="http://user:{t("password")}@{t("userinfo")}.{d}:8080/">four</a>'
        f'<a href="http://{t("fullwidth")}。wide.{d}/">five</a><a href="//{t("schemeless")}.{d}/x">six</a>'
        f'<a href="http://127.0.0.1:{web}/{t("loopback")}">seven</a>'
        f'<img src="http://{t("image")}.pixel.{d}/{t("pixel")}.gif"><img src="http://127.0.0.1:{web}/{t("img")}.gif">'
        f'<img srcset="http://{t("srcset")}.{d}/a.png 2x"><form action="https://{t("form")}.{d}/login"></form>'
        f'<div style="background:url(http://{t("css")}.{d}/b.png)"></div><iframe src="http://{t("frame")}.{d}/"></iframe>'
        f'<link rel="stylesheet" href="http://{t("sheet")}.{d}/s.css"><base href="http://{t("base")}.{d}/">'
        f'<script src="http://{t("script")}.{d}/s.js"></script>'
        f'<meta http-equiv="refresh" content="0;url=http://{t("refresh")}.{d}/">'
    )
    envelope = f"bounce-{t('verp')}@{d}" if number % 2 else f"bounce@{t('return')}.mta.{d}"
    lines = [
        f"Return-Path: <{envelope}>",
        f"Received: from {t('helo')}.out.{d} ({t('rdns')}.rdns.{d} [198.51.100.{number + 1}])",
        f"\tby mx.isp.example (Postfix) with ESMTPS id {t('queue')}; Mon, 23 Nov 2026 10:00:00 +0000",
        f"Received: from {t('inner')}.lan.{d} ([2001:db8::{number + 1:x}]) by {t('by')}.out.{d} with ESMTP;",
        "\tMon, 23 Nov 2026 09:59:58 +0000",
        f"Authentication-Results: {t('authserv')}.{d}; spf=pass smtp.mailfrom={t('authmail')}.{d};",
        f"\tdkim=pass header.d={t('authdkim')}.{d} header.s={t('authselector')}",
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={d}; s={t('selector')}; h=from; bh=AA==; b=AA==",
        f"DKIM-Signature: v=1; a=rsa-sha256; d={t('signer')}.{d}; s=s1; i=@{t('identity')}.{t('signer')}.{d}; h=from;",
        "\tbh=AA==; b=AA==",
        f"ARC-Seal: i=1; a=rsa-sha256; cv=none; d={t('arc')}.{d}; s={t('arcselector')}; b=AA==",
        f"ARC-Message-Signature: i=1; a=rsa-sha256; d={t('arc')}.{d}; s={t('arcselector')}; h=from; bh=AA==; b=AA==",
        f"ARC-Authentication-Results: i=1; {t('arcserv')}.{d}; spf=pass",
        f"From: Bank <alert@{t('from')}.{d}>" if number % 3 else f"From: Bank <{t('local')}@{d}>",
        f"Reply-To: <{t('replylocal')}@{t('reply')}.{d}>",
        f"Sender: <s@{t('sender')}.{d}>",
        f"To: victim{number}@isp.example",
        "Subject: Verify your account",
        "Date: Mon, 23 Nov 2026 09:59:00 +0000",
        f"Message-ID: <{t('idlocal')}@{t('id')}.{d}>",
        f"References: <x@{t('references')}.{d}>",
        f"List-Unsubscribe: <https://{t('unsubscribe')}.u.{d}/{t('unsubpath')}>, <mailto:{t('m')}@{t('mailto')}.{d}>,",
        f"\t<http://127.0.0.1:{web}/{t('oneclick')}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        f"List-Id: <{t('list')}.{d}>",
        f"Disposition-Notification-To: <n@{t('notify')}.{d}>",
        f"BIMI-Selector: v=BIMI1; s={t('bimi')}",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative; boundary=b1",
        "",
        "--b1",
        "Content-Type: text/plain; charset=utf-8",
        "",
        f"Pay at https://{t('text')}.{d}/{t('textpath')} or www.{t('bare')}.{d} or write to x@{t('written')}.{d}.",
        "--b1",
        "Content-Type: text/html; charset=utf-8",
        "",
        html,
        "--b1--",
        "",
    ]
    return "\r\n".join(lines).encode()


def feedback(number: int, data: bytes, m: Marks) -> bytes:
    """The mail in an ISP's ARF report, whose own fields carry marks too."""
    d = f"evil{number}.test"
    head = (
        "From: abuse@isp.example\r\nTo: report@lapwing.example\r\nSubject: abuse\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=f1\r\n\r\n--f1\r\n"
        "Content-Type: text/plain\r\n\r\nAn abuse report.\r\n--f1\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: abuse\r\nUser-Agent: isp/1\r\nVersion: 1\r\nReported-Domain: {m(number, 'reported')}.{d}\r\n"
        f"Reported-URI: http://{m(number, 'uri')}.{d}/\r\nReporting-MTA: dns; {m(number, 'mta')}.{d}\r\n"
        "Source-IP: 198.51.100.200\r\n\r\n--f1\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return head.encode() + data + b"\r\n--f1--\r\n"


def _both() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one port; one that is free for UDP may be taken for TCP."""
    while True:
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            return udp, socket.create_server(udp.getsockname())
        except OSError:
            udp.close()


class Recorder:
    """A name server that notes every question, and a web server that notes every call, on 127.0.0.1."""

    def __init__(self) -> None:
        self.asked: set[tuple[str, str]] = set()
        self.calls: list[str] = []
        self._udp, self._tcp = _both()
        self._web = socket.create_server(("127.0.0.1", 0))
        self._over = False
        self._threads = [
            threading.Thread(target=self._answer),
            threading.Thread(target=self._note, args=(self._tcp, "tcp")),
            threading.Thread(target=self._note, args=(self._web, "web")),
        ]
        for each in self._threads:
            each.start()

    @property
    def port(self) -> int:
        return int(self._udp.getsockname()[1])

    @property
    def web(self) -> int:
        return int(self._web.getsockname()[1])

    @property
    def names(self) -> set[str]:
        return {name for _, name in self.asked}

    def _answer(self) -> None:
        while not self._over:
            data, peer = self._udp.recvfrom(65_535)
            if self._over:
                return
            query = dns.message.from_wire(data)
            question = query.question[0]
            name, type_ = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
            self.asked.add((type_, name.lower()))
            self._udp.sendto(reply(query, type_, name.lower()).to_wire(), peer)

    def _note(self, listening: socket.socket, what: str) -> None:
        while not self._over:
            caller, peer = listening.accept()
            with caller:
                if not self._over:
                    self.calls.append(f"{what} {peer}")

    def close(self) -> None:
        self._over = True
        with socket.socket(type=socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        for each in (self._tcp, self._web):
            socket.create_connection(each.getsockname()).close()
        for thread in self._threads:
            thread.join()
        for each in (self._udp, self._tcp, self._web):
            each.close()


def reply(query: dns.message.Message, type_: str, name: str) -> dns.message.Message:
    """SPF with macros for a sender's domain, a reverse name for addresses; all else does not exist."""
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA
    texts = []
    if type_ == "TXT" and re.fullmatch(r"evil\d+\.test", name):
        texts = ['"' + SPF.replace("{d}", name).replace("{t}", mark(0, "redirect")) + '"']
    elif type_ == "PTR":
        texts = [f"host-{name.partition('.')[0]}.provider.example."]
    elif type_ == "MX" and re.fullmatch(r"evil\d+\.test", name):
        texts = [f"10 mx.{name}."]
    if texts:
        answer.answer.append(dns.rrset.from_text(name + ".", 60, "IN", type_, *texts))
    else:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer


@contextmanager
def recording() -> Iterator[Recorder]:
    server = Recorder()
    try:
        yield server
    finally:
        server.close()


def live(port: int) -> dict[str, str]:
    """The environment of a command that asks that server and no other."""
    return {"LAPWING_DNS_MODE": "live", "LAPWING_DNS_NAMESERVERS": f'["127.0.0.1:{port}"]'}


class Walked:
    """The mails after they went through the line: who was asked what, and what the system calls of the run were."""

    def __init__(self, folder: Path) -> None:
        self.marks, self.home = Marks(), folder / "home"
        self.trace = folder / "trace"
        with recording() as server:
            self._write(folder / "mail", server.web)
            self.port, self.web = server.port, server.web
            command = [COMMAND, "--home", str(self.home), "report", "--json", str(folder / "mail")]
            traced = [find("strace"), "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg,bind", "-o"]
            self.ran: Ran = run([*traced, str(self.trace), *command], 300.0, live(server.port))
        self.asked, self.names, self.calls = server.asked, server.names, server.calls

    def _write(self, folder: Path, web: int) -> None:
        folder.mkdir()
        for number in range(MAILS):
            data = mail(number, self.marks, web)
            if number % 5 == 4:
                data = feedback(number, data, self.marks)
            if number % 7 == 6:
                with ZipFile(folder / f"{number}.zip", "w") as archive:
                    archive.writestr(f"{mark(number, 'name')}.evil{number}.test.eml", data)
            else:
                (folder / f"{number}.eml").write_bytes(data)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    return Walked(tmp_path_factory.mktemp("wire"))


def test_the_mails_went_through_the_line_with_the_dns_live(walked: Walked) -> None:
    assert walked.ran.status == 0, walked.ran.err
    assert [(each["verdict"], len(each["reports"])) for each in walked.ran.lines] == [("report", 1)] * MAILS
    assert {("MX", f"evil{number}.test") for number in range(MAILS)} <= walked.asked
    assert {("TXT", f"_dmarc.evil{number}.test") for number in range(MAILS)} <= walked.asked
    assert {("PTR", f"{number + 1}.100.51.198.in-addr.arpa") for number in range(MAILS)} <= walked.asked


def test_no_question_holds_a_mark(walked: Walked) -> None:
    assert len(walked.marks.forms) > MAILS * 50 * 3
    leaked = {
        (name, told) for name in walked.names for form, told in walked.marks.forms.items() if form.lower() in name
    }
    assert leaked == set()
    assert not any(mark(0, "redirect") in name for name in walked.names)


def test_only_what_may_be_asked_is_asked(walked: Walked) -> None:
    """Reverse names, lists, networks, registrable domains, `_dmarc`, and where a reverse name leads back to."""
    domains = {f"evil{number}.test" for number in range(MAILS)} | {"isp.example", "test", "example"}
    allowed = domains | {f"_dmarc.{name}" for name in domains}
    learned = re.compile(r"host-[0-9a-f]{1,3}\.provider\.example")  # what the PTR answers of the server name
    rest = {name for name in walked.names - allowed if not REVERSE.fullmatch(name)}
    assert {name for name in rest if not learned.fullmatch(name)} == set()
    assert {type_ for type_, name in walked.asked if name in rest} <= {"A", "AAAA"}


def test_what_was_not_asked_is_said_to_be_withheld(walked: Walked) -> None:
    (line,) = [each for each in walked.ran.lines if each["path"].endswith("/1.eml")]
    told = explained(walked.home, [line["reports"][0]["report"]]).popitem()[1]
    withheld = {each["name"] for each in told["lookups"] if each["status"] == "withheld"}
    assert any(mark(1, "selector") in name for name in withheld)
    assert any(mark(1, "verp") in name for name in withheld)
    results = {each["result"] for each in told["authentication"]["dkim"] if each["basis"] != "asserted-untrusted"}
    assert not results & {"pass", "fail"}


def test_nobody_is_called(walked: Walked) -> None:
    """No connection of any kind to anybody, and datagrams to the name server alone."""
    assert walked.calls == []
    ports = set()
    for line in walked.trace.read_text(errors="replace").splitlines():
        if "AF_INET" not in line or " bind(" in line:
            continue
        found = re.search(r"htons\((\d+)\).*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([0-9a-f.:]+)", line)
        assert found is not None, line
        assert "SOCK_STREAM" not in line
        ports.add((found.group(2), int(found.group(1))))
    assert ports == {("127.0.0.1", walked.port)}


def test_a_real_resolver_gets_the_same(tmp_path: Path) -> None:
    """Behind Unbound the line works too, and finds what is published there."""
    marks = Marks()
    (tmp_path / "1.eml").write_bytes(mail(1, marks, 9))
    data = (
        'evil1.test. 60 IN TXT "v=spf1 ip4:198.51.100.2 -all"',
        "evil1.test. 60 IN MX 10 mx.evil1.test.",
        '_dmarc.evil1.test. 60 IN TXT "v=DMARC1; p=reject"',
    )
    with unbound(data, ('"evil1.test." static', '"arpa." static', '"org." static', '"com." static')) as port:
        command = [COMMAND, "--home", str(tmp_path / "home"), "report", "--json", str(tmp_path / "1.eml")]
        ran = run(command, 120.0, live(port))
    (report,) = ran.line["reports"]
    told = explained(tmp_path / "home", [report["report"]])[report["report"]]
    spf = [each["result"] for each in told["authentication"]["spf"] if each["basis"] == "recomputed"]
    assert spf == ["pass"]
    known = {each["name"] for each in told["lookups"] if each["status"] == "answer"}
    assert {"evil1.test", "_dmarc.evil1.test"} <= known
