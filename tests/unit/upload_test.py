"""The upload door through a real uvicorn: kept before it is acknowledged, bounded, honest to people and programs."""

import hashlib
import html
import http.client
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from intake.accept import PART, reference
from intake.errors import Damaged
from intake.receipts import Known
from intake.upload_pages import CATALOGUES
from tests.doors import SECRET, FakeWriter, Kept, acceptor, full_disk
from tests.upload_doors import BOUNDARY, ask, door, form

MESSAGE = b"From: a@example.com\r\nSubject: \xe8\xa9\x90\r\n\r\n--x\r\n\0.\r\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("upload"))


@pytest.fixture(scope="module")
def port(kept: Kept) -> Iterator[int]:
    with door(kept.acceptor, lambda _: None) as number:
        yield number


# -- what is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "content", "filename"),
    [
        (*form(("file", "詐.eml", MESSAGE)), MESSAGE, "詐.eml"),
        (*form(("file", "", b""), ("source", None, MESSAGE)), MESSAGE, ""),
        (*form(("other", None, b"x"), ("file", "a.zip", MESSAGE * 3), ("source", None, b"")), MESSAGE * 3, "a.zip"),
        (*form(("file", "a" * 400, b"1")), b"1", "a" * 255),
        (*form(("file", "../../etc/x", b"\r\n--" + BOUNDARY[:-1].encode())), b"\r\n--" + BOUNDARY[:-1].encode(),
         "../../etc/x"),
        (MESSAGE, {"Content-Type": "message/rfc822"}, MESSAGE, ""),
        (MESSAGE, {"Content-Type": "Application/Octet-Stream; x=y"}, MESSAGE, ""),
    ],
    ids=["file", "source", "others", "long name", "border", "rfc822", "octets"],
)  # fmt: skip
def test_what_was_sent_is_kept(
    kept: Kept, port: int, body: bytes, headers: dict[str, str], content: bytes, filename: str
) -> None:
    answer = ask(port, "POST", "/reports", body, headers)
    assert answer.status == 202
    submission, found = kept.all()[-1]
    assert found == content
    assert (submission.channel, submission.filename, submission.envelope.peer) == ("upload", filename, "127.0.0.1")
    assert answer.json == {
        "reference": reference(SECRET, submission.id),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "status_url": f"/reports/{reference(SECRET, submission.id)}",
    }


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
def test_a_form_cut_anywhere_is_the_same(kept: Kept, port: int, step: int) -> None:
    body, headers = form(("file", "a.eml", MESSAGE))
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    answer = ask(port, "POST", "/reports", iter(pieces), headers)
    assert answer.status == 202
    assert kept.all()[-1][1] == MESSAGE


def test_a_large_file_goes_through_in_parts(kept: Kept, port: int) -> None:
    content = bytes(range(256)) * 6000
    body, headers = form(("file", "big.zip", content))
    assert ask(port, "POST", "/reports", body, headers).json["sha256"] == hashlib.sha256(content).hexdigest()
    submission, found = kept.all()[-1]
    assert found == content
    assert len(submission.parts) == -(-len(content) // PART)


def test_no_answer_before_the_bytes_are_durable() -> None:
    writer = FakeWriter()
    writer.manual = True
    with door(acceptor(writer)) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=0.4)
        client.request("POST", "/reports", MESSAGE, {"Content-Type": "message/rfc822"})
        with pytest.raises(TimeoutError):
            client.getresponse()
        writer.pending[-1].set_result(None)
        client.close()


def test_a_client_that_leaves_leaves_no_submission() -> None:
    writer = FakeWriter()
    with door(acceptor(writer)) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            head = (
                b"POST /reports HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\nContent-Length: 900000\r\n\r\n"
            )
            client.sendall(head + b"y" * (2 * PART))
            until(lambda: bool(writer.frames))
        until(lambda: not writer.held)
    assert "submission" not in [kind for kind, _ in writer.frames]


def until(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (*form(("file", "", b"")), 400, "empty"),
        (*form(("file", "a", b"1"), ("source", None, b"2")), 400, "one-at-a-time"),
        (*form(("file", "a", b"1"), ("file", "b", b"2")), 400, "one-at-a-time"),
        (*form(("file", "a", b"1"), end=b""), 400, "malformed"),
        (*form(*[("other", None, b"")] * 101), 400, "malformed"),
        (b"--" + b"x" * 300, {"Content-Type": "multipart/form-data; boundary=y"}, 400, "malformed"),
        (b"x", {"Content-Type": "multipart/form-data"}, 400, "malformed"),
        (b"x", {"Content-Type": f"multipart/form-data; boundary={'b' * 5000}"}, 400, "malformed"),
        (b"", {"Content-Type": "message/rfc822"}, 400, "empty"),
        (b"x", {"Content-Type": "image/png"}, 415, "type"),
        (b"x", {}, 415, "type"),
        (b"x", {"Content-Type": "message/rfc822", "Content-Encoding": "gzip"}, 415, "encoding"),
    ],
)
def test_refusals(port: int, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    answer = ask(port, "POST", "/reports", body, headers)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["says"]
    assert set(answer.json) == {"code", "says"}


def test_a_broken_form_leaves_nothing_of_it_in_the_log(port: int, caplog: pytest.LogCaptureFixture) -> None:
    body, headers = form(("source", None, b"secret"))
    assert ask(port, "POST", "/reports", b"--x-boundgary" + body, headers).status == 400
    assert caplog.records == []


@pytest.mark.parametrize("kind", ["raw", "form"])
def test_the_size_of_a_report(kind: str) -> None:
    writer = FakeWriter()
    with door(acceptor(writer), size=1000) as port:
        for size, status in ((999, 202), (1000, 202), (1001, 413)):
            body, headers = b"s" * size, {"Content-Type": "message/rfc822"}
            if kind == "form":
                body, headers = form(("file", "a", body))
            answer = ask(port, "POST", "/reports", body, headers)
            assert answer.status == status
            if status == 413:
                assert answer.json["code"] == "too-big"
    assert [len(plain) for kind, plain in writer.frames if kind == "part"] == [999, 1000]
    assert writer.held == []


def test_too_big_is_said_before_it_is_sent() -> None:
    with door(acceptor(FakeWriter()), size=1000) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"POST /reports HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\nContent-Length: 99999999999\r\n\r\n"
        )
        client.settimeout(5)
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_body_without_end_is_cut_and_memory_stays() -> None:
    class Forgetful(FakeWriter):
        def append(self, kind, slot, plain):  # type: ignore[no-untyped-def]
            return super().append(kind, slot, b"")

    sent = peak = 0
    with door(acceptor(Forgetful()), size=30_000_000) as port, socket.create_connection(("127.0.0.1", port)) as client:
        head = (
            b"POST /reports HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        client.sendall(head)
        before = memory()
        with pytest.raises(OSError):
            while sent < 200_000_000:
                client.sendall(b"40000\r\n" + b"z" * 0x40000 + b"\r\n")
                sent += 0x40000
                peak = max(peak, memory())
    assert 30_000_000 <= sent < 50_000_000
    assert peak - before < 20_000_000


def test_a_sender_below_the_rate_is_told_and_closed() -> None:
    ours = acceptor(FakeWriter())
    with door(ours, grace=0.3, rate=500) as port, socket.create_connection(("127.0.0.1", port)) as client:
        head = b"POST /reports HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\nContent-Length: 9000\r\n\r\n"
        client.sendall(head + b"x")
        client.settimeout(5)
        assert client.recv(1000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("writer", "free", "status", "code"),
    [
        (FakeWriter(fails=full_disk()), 10**12, 503, "disk"),
        (FakeWriter(), 1, 503, "disk"),
        (FakeWriter(fails=RuntimeError("secret words")), 10**12, 500, "fault"),
        (FakeWriter(fails=RuntimeError("secret words"), at=0), 10**12, 500, "fault"),
        (FakeWriter(fails=Damaged("ab" * 32)), 10**12, 500, "fault"),
    ],
)
def test_faults(writer: FakeWriter, free: int, status: int, code: str, caplog: pytest.LogCaptureFixture) -> None:
    with door(acceptor(writer, free=lambda: free)) as port:
        answer = ask(port, "POST", "/reports", MESSAGE, {"Content-Type": "message/rfc822"})
    assert (answer.status, answer.json["code"]) == (status, code)
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert b"secret" not in answer.body
    assert "secret" not in caplog.text
    assert writer.held == []


# -- status ---------------------------------------------------------------------------------------------------------


def test_a_true_reference_reads_received_until_more_is_known() -> None:
    known: dict[str, Known] = {}
    with door(acceptor(FakeWriter()), known.get) as port:
        link = ask(port, "POST", "/reports", MESSAGE, {"Content-Type": "message/rfc822"}).json["status_url"]
        name = link.rpartition("/")[2]
        assert ask(port, "GET", link).json == {"reference": name, "state": "received"}
        assert ask(port, "GET", link.upper().replace("/REPORTS/", "/reports/")).json["reference"] == name
        known[name.partition("-")[0]] = Known("filed", {"report": 2})
        assert ask(port, "GET", link).json == {"reference": name, "state": "filed", "items": {"report": 2}}
        wrong = ask(port, "GET", link[:-1] + ("0" if link[-1] != "0" else "1"))
        assert (wrong.status, wrong.json["code"]) == (404, "unknown-reference")
        assert "In a case" in ask(port, "GET", link, headers={"Accept": "text/html"}).body.decode()


@pytest.mark.parametrize(
    ("known", "status", "code", "says"),
    [
        (Known("erased", adds=False), 410, "erased", "no longer kept"),
        (Known("filed", {"report": 1}, adds=False), 409, "no-additions", "nothing can be added"),
    ],
    ids=["erased", "a feed's"],
)
def test_what_takes_no_addition_says_so_and_keeps_nothing(known: Known, status: int, code: str, says: str) -> None:
    writer = FakeWriter()
    with door(acceptor(writer), lambda _: known) as port:
        link = f"/reports/{reference(SECRET, 'a' * 26)}"
        loss = ("words=gone", {"Content-Type": "application/x-www-form-urlencoded"})
        original = (MESSAGE, {"Content-Type": "message/rfc822"})
        for what, (body, headers) in {"loss": loss, "original": original, "withdraw": ("", {})}.items():
            asked = ask(port, "GET", f"{link}/{what}", headers={"Accept": "text/html"})
            added = ask(port, "POST", f"{link}/{what}", body, headers)
            assert (asked.status, added.status, added.json["code"]) == (status, status, code)
            assert says in added.json["says"] and b"<form" not in asked.body
        page = ask(port, "GET", link, headers={"Accept": "text/html"})
        assert (page.status, f"{link}/" in page.body.decode()) == (410 if code == "erased" else 200, False)
        told = ask(port, "GET", link)
        assert told.json.get("state", told.json.get("code")) == known.state
        assert (told.status == 410) is (code == "erased") is ("no longer kept" in page.body.decode())
    assert writer.frames == []


@pytest.mark.parametrize("outcome", ["", "helped", "elsewhere"])
def test_a_closed_case_is_told_in_safe_words(outcome: str) -> None:
    with door(acceptor(FakeWriter()), lambda _: Known("closed", {"report": 1}, outcome=outcome)) as port:
        link = f"/reports/{reference(SECRET, 'a' * 26)}"
        told = ask(port, "GET", link).json
        page = ask(port, "GET", link, headers={"Accept": "text/html"}).body.decode()
    assert (told["state"], told["outcome"]) == ("closed", outcome or "finished")
    assert CATALOGUES["en"][f"closed-{outcome or 'finished'}"] in html.unescape(page)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/x", 404), ("POST", "/", 405), ("GET", "/reports", 405), ("PUT", "/reports", 405)],
)
def test_what_is_not_there(port: int, method: str, path: str, status: int) -> None:
    answer = ask(port, method, path)
    assert answer.status == status
    assert set(answer.json) == {"code", "says"}
