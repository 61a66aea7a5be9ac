"""The parsing child: the jobs that are done on hostile bytes and words, in a process that can reach nothing.

Started by `intake/parsing.py` with two pipes and an empty environment; never by hand.
"""

import gc
import sys
from datetime import UTC, datetime

import msgspec

from enrichment.enrich import JOB as EXAMINE
from enrichment.enrich import Context, Examined
from enrichment.examination import Examination
from enrichment.examine import Desk
from enrichment.sender import JOB as SENDER
from enrichment.sender import Asking, Sender, judge
from intake import formats, message, strict
from intake.formats.opened import Opened
from intake.parsing import serve
from intake.report import Claims
from intake.unpack import JOB as UNPACK
from intake.unpack import About
from triage import scales
from triage.weigh import JOB as WEIGH
from triage.weigh import Weighed, Weighing

SAMPLE = (
    b"Received: from a.example (a.example [192.0.2.1]) by mx.example with ESMTPS; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s; h=from; bh=AA==; b=AA==\r\n"
    b"Authentication-Results: mx.example; spf=pass smtp.mailfrom=example.com\r\n"
    b"Return-Path: <a@example.com>\r\nFrom: =?utf-8?B?5L2g5aW9?= <a@example.com>\r\nSubject: sample\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=big5\r\n\r\n<a href='http://b.example/'>b</a>\r\n"
)
"""A mail that touches what is loaded late, to be read once before the child closes itself in."""


class Jobs:
    """The jobs, and what they keep between two looks at one message."""

    def __init__(self) -> None:
        self._desk = Desk()

    def unpack(self, data: bytes, about: msgspec.Raw) -> Opened:
        """What is in a submission."""
        told = msgspec.msgpack.decode(about, type=About)
        if told.trapped:
            return formats.open_trapped(data)
        opened = formats.open_submission(data, told.filename, cover=told.cover)
        if told.pasted and all(each.verdict == "not-a-report" for each in opened.found):
            return formats.open_submission(data, told.filename, cover=True)
        return opened

    def validate(self, data: bytes, about: msgspec.Raw) -> strict.Examined:
        """What would become of a report, and what a strict reader objects to."""
        return strict.examine(data, msgspec.msgpack.decode(about, type=About).filename)

    def weigh(self, data: bytes, about: msgspec.Raw) -> Weighed:
        """What an examined report does, and why it belongs with others."""
        return scales.weigh(msgspec.msgpack.decode(about, type=Weighing))

    def examine(self, data: bytes, about: msgspec.Raw) -> Examined:
        """One look at a reported message."""
        return self._desk.examine(data, msgspec.msgpack.decode(about, type=Context))

    def sender(self, data: bytes, about: msgspec.Raw) -> Sender:
        """One look at the mail in which somebody handed something in."""
        return judge(data, msgspec.msgpack.decode(about, type=Asking))


def warm(jobs: Jobs) -> None:
    """Do every job once, so that nothing is loaded later."""
    message.warm()
    formats.warm()
    scales.warm()
    told = Context(
        claims=Claims(), edges=("mx.example",), received=datetime(2026, 11, 23, tzinfo=UTC), zones=(), last=True
    )
    found = jobs.examine(SAMPLE, msgspec.Raw(msgspec.msgpack.encode(told)))
    examination = Examination(
        report="sample", submission="sample", round=1, at=told.received, message=found.message, hops=found.hops,
        boundary=found.boundary, checks=found.checks, findings=found.findings,
    )  # fmt: skip
    jobs.weigh(b"", msgspec.Raw(msgspec.msgpack.encode(Weighing(examination=examination, claims=Claims()))))
    jobs.validate(b'{"xarf_version": "4.0.0"}', msgspec.Raw(msgspec.msgpack.encode(About(filename="", cover=False))))
    asking = Asking(mail_from="a@example.com", peer="192.0.2.1", helo="a.example", received=told.received, last=True)
    jobs.sender(SAMPLE, msgspec.Raw(msgspec.msgpack.encode(asking)))
    jobs.unpack(SAMPLE, msgspec.Raw(msgspec.msgpack.encode(About(filename="sample.eml", cover=True))))


def main() -> None:
    """Load everything that parsing may need, then close in and serve."""
    jobs = Jobs()
    warm(jobs)
    gc.collect()
    gc.freeze()
    known = {
        UNPACK: jobs.unpack, EXAMINE: jobs.examine, WEIGH: jobs.weigh, strict.JOB: jobs.validate, SENDER: jobs.sender,
    }  # fmt: skip
    serve(known, sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
