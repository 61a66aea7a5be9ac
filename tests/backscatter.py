"""Whom Lapwing writes to when strangers hand in thousands of mails that nobody should answer.

    .venv/bin/python tests/backscatter.py --mails 10000

Forged senders, null and role senders, our own addresses, lists, automatic mail, loops and bounces of our own receipts,
replayed signatures, header injection, traps and other feeds however they are known, mailboxes; between them reports of
a few people whose addresses are proven, on two days. Whoever sends to a trap also tries to take that back by its
reference. Then every case is closed, and notes are due, on further days. A real mail server takes what goes out. A
short form is a test (`tests/unit/backscatter_test.py`).
"""

import argparse
import base64
import email.utils
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from enrichment.acknowledge import Acknowledgement  # noqa: E402
from enrichment.letters import OUTCOMES  # noqa: E402
from intake.errors import Temporary  # noqa: E402
from intake.report import Withdrawal  # noqa: E402
from intake.store import every  # noqa: E402
from intake.submission import Addition, Told, Unpacked  # noqa: E402
from intake.unpack import NOT_PUBLIC  # noqa: E402
from tests.promise import Rule  # noqa: E402
from tests.reporters_house import PEER, Reporters, cover, house, signed  # noqa: E402
from tests.sink import Mail, sink  # noqa: E402
from triage import decide  # noqa: E402
from triage.case import Filing  # noqa: E402
from triage.notify import GIVEN_UP, OutcomeNote  # noqa: E402
from triage.stream import current  # noqa: E402

PEOPLE = tuple(f"person-{number}@isp.example" for number in range(40))
"""Whose address SPF proves; they hand in more than once."""
TRAP, FEED = "trap-x7@lapwing.example", "acme-x7@lapwing.example"
OF_FEEDS = ("trap", "feed")
PROMISED = 10_000
"""Mails of the long form."""
RULE = Rule("P28", zero=("taken", "wrong"), least={"receipts": 10, "notes": 10, "refused": 10})
BATCH = 40
INJECTIONS = 100
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "X-Auto-Response-Suppress", "Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Content-Language",
    "X-Peer", "X-MailFrom", "X-RcptTo",
}  # fmt: skip
"""Fields that a receipt may have; the last three are the test server's own."""
WORDS = ("words-of-the-spam", "spam-words.test", "spam-link.test", "victim-words", "injected", "investigator")


@dataclass
class Case:
    """A mail to hand in."""

    kind: str
    data: bytes
    mail_from: str
    peer: str = PEER
    more: dict[str, str] = field(default_factory=dict)
    """Of the envelope and the channel."""


@dataclass
class Result:
    """What the judge found: so many `additions` were tried to what feeds handed in, `refused` of them by a verdict, and
    records that say otherwise are `taken`."""

    handed: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    receipts: int = 0
    notes: int = 0
    additions: int = 0
    refused: int = 0
    taken: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        """What is noted of it."""
        mails = sum(self.handed.values())
        return {"mails": mails, "receipts": self.receipts, "notes": self.notes, "additions": self.additions,
                "refused": self.refused, "taken": self.taken, "wrong": len(self.wrong)}  # fmt: skip


def cases(count: int, seed: int) -> list[Case]:
    """So many mails, all kinds of them in turn."""
    dice = random.Random(seed)
    kinds: tuple[Callable[[random.Random, int], Case], ...] = (
        _forged, _null, _role, _own, _listed, _automatic, _loop, _bounce, _replayed, _unproven, _silent, _proven,
        _trap, _feed, _picked_up,
    )  # fmt: skip
    made = [kinds[number % len(kinds)](dice, number) for number in range(count - INJECTIONS)]
    made += [_injected(number) for number in range(INJECTIONS)]
    dice.shuffle(made)
    return made


def _forged(dice: random.Random, number: int) -> Case:
    domain, peer = dice.choice((("hard.example", "192.0.2.10"), ("isp.example", "198.51.100.9")))
    sender = f"victim-{number}@{domain}"
    return Case("SPF fail", cover(sender, f"f{number}"), sender, peer)


def _null(dice: random.Random, number: int) -> Case:
    return Case("null sender", cover(tag=f"n{number}"), dice.choice(("<>", "", "<> ")))


def _role(dice: random.Random, number: int) -> Case:
    local = dice.choice(("postmaster", "MAILER-DAEMON", "owner-news", "news-request", "news-bounces", "noreply",
                         f"bounce+{number}", "majordomo", "SRS0=x=y=victim.example=ann"))  # fmt: skip
    return Case("role", cover(tag=f"r{number}"), f"{local}@isp.example")


def _own(dice: random.Random, number: int) -> Case:
    sender = dice.choice(("reports@lapwing.example", "report@report.lapwing.example", f"x{number}@mx.lapwing.example"))
    return Case("own address", cover(sender, f"o{number}"), sender)


def _listed(dice: random.Random, number: int) -> Case:
    fields = dice.choice(("List-Id: <l.isp.example>", "List-Post: <mailto:l@isp.example>", "Precedence: bulk",
                          "Precedence: list", "precedence: JUNK", "Mailing-List: l@isp.example"))  # fmt: skip
    return Case("list", cover(tag=f"l{number}", fields=f"{fields}\r\n"), f"member-{number}@isp.example")


def _automatic(dice: random.Random, number: int) -> Case:
    fields = dice.choice(("Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated; x=y", "Auto-Submitted:",
                          "AUTO-SUBMITTED: auto-notified", "X-Autoreply: yes", "X-Autorespond: x",
                          "X-Auto-Response-Suppress: OOF",
                          "Auto-Submitted: no\r\nAuto-Submitted: auto-replied"))  # fmt: skip
    return Case("automatic", cover(tag=f"a{number}", fields=f"{fields}\r\n"), f"robot-{number}@isp.example")


def _loop(dice: random.Random, number: int) -> Case:
    """Our own receipt comes back, or a mail that went through thirty servers."""
    if dice.random() < 0.5:
        fields = "Received: from a.example by b.example; Mon, 23 Nov 2026 10:00:00 +0000\r\n" * 31
        return Case("loop", cover(tag=f"L{number}", fields=fields), f"loop-{number}@isp.example")
    answer = (
        f"From: reports@lapwing.example\r\nTo: loop-{number}@isp.example\r\nSubject: We have your report {number}\r\n"
        f"Message-ID: <receipt.{number}@lapwing.example>\r\nAuto-Submitted: auto-replied\r\n\r\nwords-of-the-spam\r\n"
    )
    return Case("loop", answer.encode(), dice.choice(("<>", f"loop-{number}@isp.example")))


def _bounce(dice: random.Random, number: int) -> Case:
    """A receipt that could not be delivered; some servers bounce with a sender that is not null."""
    report = (
        f"From: Mail Delivery System <MAILER-DAEMON@isp.example>\r\nTo: reports@lapwing.example\r\n"
        f"Subject: Undelivered Mail Returned to Sender {number}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n'
        "Content-Type: text/plain\r\n\r\nI could not deliver this. words-of-the-spam\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.isp.example\r\n\r\n"
        f"Final-Recipient: rfc822; gone-{number}@isp.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    return Case("bounce", report.encode(), dice.choice(("<>", f"mta-{number}@isp.example")))


def _replayed(dice: random.Random, number: int) -> Case:
    """A signed mail of the sender's own, sent again under the address of another customer of the same provider."""
    sender = f"victim-{number}@signs.example"
    return Case("replay", signed(cover("mallory@signs.example", f"p{number}")), sender, "192.0.2.66")


def _unproven(dice: random.Random, number: int) -> Case:
    sender = f"somebody-{number}@{dice.choice(('soft', 'anybody', 'nothing'))}.example"
    return Case("unproven", cover(sender, f"u{number}"), sender)


def _silent(dice: random.Random, number: int) -> Case:
    sender = f"somebody-{number}@silent.example"
    return Case("DNS silent", cover(sender, f"s{number}"), sender)


def _proven(dice: random.Random, number: int) -> Case:
    sender = dice.choice(PEOPLE)
    if dice.random() < 0.2:
        sender = sender.upper()
    return Case("proven", cover(sender, f"v{number}", headers=dice.random() < 0.5), sender)


def _trap(dice: random.Random, number: int) -> Case:
    """A spam that goes to a trap's address itself, from an address that SPF proves."""
    sender = f"spammer-{number}@isp.example"
    return Case("trap", cover(sender, f"t{number}"), sender, more={"to": TRAP})


def _feed(dice: random.Random, number: int) -> Case:
    """What a feed sends, which is known by an address of its own, its domain, its key or the settings."""
    sender, more = dice.choice((
        ("desk@isp.example", {"to": FEED}), ("fbl@forwarder.example", {}),
        ("fbl@isp.example", {"account": "feed:acme"}), ("abuse@feed.example", {}),
    ))  # fmt: skip
    return Case("feed", cover(sender, f"F{number}"), sender, more=more)


def _picked_up(dice: random.Random, number: int) -> Case:
    """Out of a mailbox, where only a signature proves who wrote."""
    sender = dice.choice((f"person-{number % 40}@signs.example", f"victim-{number}@isp.example"))
    data = cover(sender, f"m{number}")
    return Case("mailbox", signed(data) if "signs" in sender else data, sender, "", {"channel": "mailbox"})


def _injected(number: int) -> Case:
    """Line ends and commands wherever something of the sender's could reach a header or a command."""
    ends = ("\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "%0d%0a", "\\r\\n", "\0", "\r\n\r\n")
    evil = f"{ends[number % 10]}Bcc: injected-{number}@hard.example{ends[number % 10]}"
    proven = f"writer-{number}@isp.example"
    where = number // 10 % 5
    if where == 0:
        return Case("injection", cover(tag=f"i{number}"), f"{proven}{evil}")
    if where == 1:
        return Case("injection", cover(tag=f"i{number}"), f"writer{evil}@isp.example")
    if where == 2:
        folded = evil.replace("\r\n", "\r\n ").replace("\n", "\n ") if "\n" in evil else evil
        data = cover(proven, f"i{number}").replace(f"<cover.i{number}@".encode(), f"<cover{folded}@".encode())
        return Case("injection", data, proven)
    encoded = base64.b64encode(evil.encode()).decode()
    fields = f"Accept-Language: en{evil.replace(ends[number % 10], '')}\r\nReferences: <a=?utf-8?B?{encoded}?=@b>\r\n"
    if where == 3:
        return Case("injection", cover(proven, f"i{number}", fields=fields), proven)
    data = cover(proven, f"i{number}", fields=f"Content-Language: =?utf-8?B?{encoded}?=\r\n")
    return Case("injection", data.replace(b"Fwd: ", f"Fwd: =?utf-8?B?{encoded}?= {{reference}} ".encode()), proven)


def run(made: Reporters, count: int, seed: int) -> Result:
    """Hand them all in, see to receipts and notes, and judge what went out."""
    result = Result()
    made.feed("trap", "trap", (TRAP,))
    made.feed("acme", "isp", (FEED, "forwarder.example"))
    waiting = cases(count, seed)
    for start in range(0, len(waiting), BATCH):
        made.later = timedelta(days=2 * start // len(waiting))
        _hand_in(made, result, waiting[start : start + BATCH])
    made.file()
    _close(made)
    judge(result, made)
    return result


def _hand_in(made: Reporters, result: Result, batch: list[Case]) -> None:
    ids = {}
    for each in batch:
        result.handed[each.kind] += 1
        id_ = made.hand_in(each.data, each.mail_from, each.peer, **each.more)
        ids[id_] = each.kind in OF_FEEDS
    _acknowledge(made)
    for id_, of_feed in ids.items():
        known = made.house.archive.get(Acknowledgement, id_)
        result.reasons[f"{known.result} {known.reason}".strip() if known else "waiting for the DNS"] += 1
        if of_feed:
            for what in (Told(of=id_, adds="withdrawal"), Told(of=id_, adds="loss", loss="EUR 5,000")):
                made.hand_in(b"", "", "203.0.113.66", "upload", told=what)
                result.additions += 1
    _acknowledge(made)


def _acknowledge(made: Reporters) -> None:
    with suppress(Temporary):
        made.acknowledge()


def _close(made: Reporters) -> None:
    """Close every case, and write notes day after day until none is due any more."""
    archive = made.house.archive
    found = sorted({current(archive, each.case).id for each in every(archive.store, Filing, {})})
    for number, case in enumerate(found):
        outcome = OUTCOMES[number % len(OUTCOMES)]
        decide.close(archive, case, "ivan", "words-of-the-investigator", made.clock(), outcome=outcome)
    for _ in range(int(GIVEN_UP // 86_400) + 1):
        with suppress(Temporary):
            made.notes(found)
        made.later += timedelta(days=1)


def judge(result: Result, made: Reporters) -> None:
    """What must hold of everything that went out, and of what feeds handed in."""
    answered: Counter[tuple[str, str, str]] = Counter()
    for mail in made.server.mails:
        to = mail.recipients[0].lower() if len(mail.recipients) == 1 else "several"
        kind = str(mail.read["Auto-Submitted"])
        answered[to, kind, f"{email.utils.parsedate_to_datetime(mail.read['Date']):%Y-%m-%d}"] += 1
        result.wrong += [f"{mail.recipients}: {each}" for each in faults(mail)]
    may = re.compile(r"(?:person|writer)-\d+@isp\.example|person-\d+@signs\.example")
    result.receipts = sum(times for (_, kind, _), times in answered.items() if kind == "auto-replied")
    result.notes = sum(times for (_, kind, _), times in answered.items() if kind == "auto-generated")
    result.wrong += [f"{each}: answered {times} times" for each, times in answered.items() if times > 1]
    result.wrong += [f"{to}: must not be answered" for to in {each[0] for each in answered} if not may.fullmatch(to)]
    store = made.house.store
    verdicts = (verdict for each in every(store, Unpacked, {}) for verdict in each.verdicts)
    result.refused = sum(verdict.says == NOT_PUBLIC for verdict in verdicts)
    if result.refused != result.additions:
        result.wrong.append(f"{result.additions - result.refused} additions to what feeds handed in were not refused")
    result.taken = sum(1 for kind in (Addition, Withdrawal) for _ in every(store, kind, {}))
    due = Counter((each.case, each.reporter) for each in every(store, OutcomeNote, {}) if each.result == "sent")
    result.wrong += [f"{each}: {times} notes about one case" for each, times in due.items() if times > 1]


def faults(mail: Mail) -> list[str]:
    """What is wrong with one answer."""
    read, found = mail.read, []
    if mail.sender != "<>":
        found.append(f"return path {mail.sender}")
    if set(read.keys()) - HEADERS or len(set(read.keys())) != len(read.keys()):
        found.append(f"fields {sorted(read.keys())}")
    whole = mail.data + mail.text.encode() + str(read["Subject"]).encode()
    found += [f"holds {word}" for word in WORDS if word.encode() in whole]
    if read["Auto-Submitted"] not in ("auto-replied", "auto-generated"):
        found.append("is not marked as automatic")
    return found


def main() -> int:
    """The long form; 1 when anything is wrong."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--mails", type=int, default=10_000)
    words.add_argument("--seed", type=int, default=1)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder, sink() as server, house(Path(folder), server) as made:
        result = run(made, asked.mails, asked.seed)
    for name, counted in (("handed in", result.handed), ("became", result.reasons)):
        print(f"{name}: " + ", ".join(f"{count} {what}" for what, count in counted.most_common()))
    for each in result.wrong[:50]:
        print(f"WRONG {each}")
    return 0 if RULE.ended(result.figures, "long" if asked.mails >= PROMISED else "short") else 1


if __name__ == "__main__":
    sys.exit(main())
