"""Makes the sealed home of `tests/golden/home/`: run once, by hand, when the format was made; never to be run again.

`python tests/make_home.py FOLDER`. A small home with everything that is final: submissions of a few samples, reports by
three reporters, cases that joined and merged, people's events, a request with its approval, a legal hold, an erased
submission, two series, a checkpoint. `expected.json` says what a rebuild must give for ever.
"""

import json
import os
import shutil
import sys
from collections import defaultdict
from pathlib import Path

from deploy.checkpoints import write_checkpoint
from deploy.commands import demo, erase, people, request
from deploy.commands.desk import Desk
from deploy.line import run_dry
from deploy.wiring import KINDS, House, now, open_house
from intake.archive import LegalHold
from intake.submission import Envelope
from referral.approval import Signer
from triage import decide
from triage.case import Filing
from triage.fold import CaseView
from triage.stream import current

SAMPLES = Path(__file__).parents[1] / "deploy" / "samples"
PASSPHRASE = "a golden passphrase"


def hand_in(house: House, sending: dict) -> None:
    """One sample through an acceptor of the home's own."""
    data = sending.get("data") or (SAMPLES / sending["file"]).read_bytes()
    channel = "smtp" if sending["way"] == "smtp" else "file"
    envelope = Envelope(
        mail_from=sending["mail_from"] if channel == "smtp" else "",
        account="" if channel == "smtp" else sending["mail_from"],
        rcpt_to=tuple(sending["rcpt_to"]),
    )
    acceptance = house.acceptor(house.writer).open(channel, envelope, 100_000_000, sending["file"])
    acceptance.feed(data)
    acceptance.finish().result()


def plain(number: int, *domains: str) -> dict:
    """A small mail that links to these domains, as a sending."""
    links = "\r\n".join(f"{chr(96 + number) * 7}: https://{domain}/pay" for domain in domains)
    words = " ".join(f"{chr(96 + number) * 4}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    head = f"From: x{number}@sender{number}.example\r\nTo: you@mail.example\r\nSubject: {chr(96 + number) * 9}\r\n"
    data = (head + f"Message-ID: <{number}@sender{number}.example>\r\n\r\n{links}\r\n{words}\r\n").encode()
    reporter = f"reporter{number}@mail.example"
    return {"data": data, "file": f"{number}.eml", "way": "file", "mail_from": reporter, "rcpt_to": []}


def rows_of(house: House) -> list[list[str]]:
    """(kind, key, digest) of every kept record."""
    found = []
    for kind in KINDS:
        cursor = ""
        while True:
            page, cursor = house.store.find(kind, {}, cursor=cursor, limit=500)
            found += [[kind.kind, each.key, each.digest] for each in page]
            if not cursor:
                break
    return sorted(found)


def partition_of(house: House) -> dict[str, list[str]]:
    """Case -> its reports, by the case that holds them now."""
    cases: dict[str, list[str]] = defaultdict(list)
    filings, _ = house.store.find(Filing, {}, limit=10_000)
    for filing in filings:
        cases[current(house.archive, filing.case).id].append(filing.report)
    return {case: sorted(reports) for case, reports in sorted(cases.items())}


def main(folder: Path) -> None:
    home = folder / "home"
    desk = Desk(home)
    demo.prepare(desk)
    known = {each["file"]: each for each in json.loads((SAMPLES / "manifest.json").read_text())["submissions"]}
    house = desk.house
    order = sorted(known, reverse=True)
    for name in order[: len(order) // 2]:
        hand_in(house, known[name])
    for sending in (plain(1, "one-fee.example"), plain(2, "two-fee.example")):
        hand_in(house, sending)
    run_dry(house)
    desk.close()
    desk = Desk(home)
    house = open_house(home, "second")
    desk.__dict__["house"] = house
    for name in order[len(order) // 2 :]:
        hand_in(house, known[name])
    hand_in(house, plain(3, "one-fee.example", "two-fee.example"))
    run_dry(house)
    views, _ = house.store.find(CaseView, {}, order="rank_key", limit=100)
    cases = [view.id for view in views if view.state != "merged"]
    decide.claim(house.archive, cases[0], "anna", now())
    decide.override(house.archive, cases[-2], "anna", "potential", "looks organised", now())
    decide.close(house.archive, cases[-1], "anna", "misreported", now())
    people.enrol(desk, "carla", "Carla", ["approver"], "anna", PASSPHRASE.encode())
    made = request.make(desk, cases[0], "anna")
    request.sign_and_seal(desk, made.id, "carla", Signer(people.key_path(desk, "carla").read_bytes(), PASSPHRASE))
    filings, _ = house.store.find(Filing, {"case": cases[1]}, limit=10)
    kept, gone = filings[0].submission, filings[-1].submission
    house.archive.keep(LegalHold(id="hold1", owner=f"submission {kept}", reason="a court", by="anna", at=now()))
    touched = erase.assess.concerned(house.archive, [gone])
    house.archive.erase([("submission", gone)], {"id": "erasure1", "reason": "a wish", "by": "anna", "at": now()})
    erase.assess.fold_anew(house.archive, touched)
    house.writer.seal()
    write_checkpoint(house)
    expected = {"rows": rows_of(house), "partition": partition_of(house), "erased": gone, "held": kept}
    desk.close()
    for name in ("store.sqlite", "store.sqlite-wal", "store.sqlite-shm", "receipts.sqlite", "follower.lock"):
        (home / name).unlink(missing_ok=True)
    for name in ("receipts.sqlite-wal", "receipts.sqlite-shm"):
        (home / name).unlink(missing_ok=True)
    shutil.rmtree(home / "bundles", ignore_errors=True)
    for lock in home.glob("vault/*/lock"):
        lock.unlink()
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    os.sync()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
