"""Writes deploy/samples/ out of tests/samples/: `python tests/make_samples.py [FOLDER]`, the same bytes every time.

The messages stand in tests/samples/*.toml as people read them; what is sent, by whom and what the queue should say of
it in submissions.toml; the DNS of their world in dns.toml. README.md of the folder is written by hand.
"""

import io
import json
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path
from typing import Any

import cfb
import sample_dns
import sample_mail

HERE = Path(__file__).parent
SOURCES = HERE / "samples"
KEY = (SOURCES / "sample-dkim.pem").read_bytes()
SELECTORS = {
    "stadtbuecherei-auental.example": "s2026",
    "yuyan-academy.example": "edm",
    "suian-asset.test": "s1",
    "feed.breitnetz.example": "fbl",
    "feedback.daonet.example": "fbl",
    "yunmail.example": "20260901",
    "mail.example": "20260901",
    "kuriermail.example": "k1",
    "qingmail.example": "q2026",
    "shanmail.example": "default",
}
SENT = (2026, 11, 19, 9, 0, 0)
"""Time of the entries in the zip."""

Table = Mapping[str, Any]


def build() -> dict[str, bytes]:
    """Every file of the folder but README.md, by name."""
    plan = _toml("submissions")
    made = {each["file"]: _payload(each, plan) for each in plan["submission"]}
    made["manifest.json"] = _json(_manifest(plan))
    made["dns.json"] = _json(sample_dns.recording(_toml("dns"), SELECTORS, KEY))
    return made


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((SOURCES / f"{name}.toml").read_text("utf-8"))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def original(name: str) -> bytes:
    """The reported message of that name, as the reporter's side received it."""
    return sample_mail.message(_toml(name), KEY, SELECTORS)


def _payload(entry: Table, plan: Table) -> bytes:
    """What is sent: zip, .msg, ARF, attached or inline forward."""
    if "item" in entry:
        return _zip({item["name"]: original(item["message"]) for item in entry["item"]})
    if entry["file"].endswith(".msg"):
        return _outlook(_toml(entry["message"]))
    if "desk" in entry:
        desk = plan["desk"][entry["desk"]]
        return sample_mail.report(entry, desk, original(entry["message"]), KEY, SELECTORS)
    if "attached_as" in entry:
        return sample_mail.attached(entry, original(entry["message"]), KEY, SELECTORS)
    return sample_mail.message({**entry, "sign": entry["domain"]}, KEY, SELECTORS)


def _zip(items: dict[str, bytes]) -> bytes:
    """Stored, not compressed: what a compressor gives changes from one library to the next."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in items.items():
            info = zipfile.ZipInfo(name, SENT)
            info.create_system = 0
            archive.writestr(info, data)
    return out.getvalue()


def _outlook(template: Table) -> bytes:
    """The .msg that Outlook keeps of a received message: its headers as text, its body without MIME."""
    head = template["headers"].replace("\n", "\r\n")
    fields = dict(line.split(": ", 1) for line in head.split("\r\n") if ": " in line and line[0] not in " \t")
    (name, address), (_, to) = getaddresses([fields["From"], fields["To"]])
    message: dict[int, cfb.Value] = {
        **{0x001A: "IPM.Note", 0x0037: fields["Subject"], 0x0070: fields["Subject"], 0x007D: head + "\r\n"},
        **{0x0042: name, 0x0064: "SMTP", 0x0065: address, 0x0C1A: name, 0x0C1E: "SMTP", 0x0C1F: address},
        **{0x5D01: address, 0x0E04: to, 0x1000: template["text"].replace("\n", "\r\n")},
        **{0x1035: fields["Message-ID"], 0x340D: 0x00040000},
        **{0x0039: parsedate_to_datetime(fields["Date"]), 0x0E06: parsedate_to_datetime(fields["Date"])},
    }
    return cfb.outlook_message(message, {0x0C15: 1, 0x3000: 0, 0x3001: to, 0x3002: "SMTP", 0x3003: to, 0x39FE: to})


def _manifest(plan: Table) -> dict[str, Any]:
    return {"reporters": plan["reporter"], "submissions": [_entry(each, plan) for each in plan["submission"]]}


def _entry(entry: Table, plan: Table) -> dict[str, Any]:
    """One submission in sending order; `expected` has one row for each report in it."""
    sender = plan["desk"][entry["desk"]] if "desk" in entry else entry
    way = entry.get("way", "smtp")
    return {
        "file": entry["file"],
        "way": way,
        "mail_from": sender["mail_from"],
        "rcpt_to": [plan["to"]] if way == "smtp" else [],
        "helo": sender.get("helo", ""),
        "note": entry["note"],
        "expected": [_expected(each, plan) for each in entry.get("item", [entry])],
    }


def _expected(item: Table, plan: Table) -> dict[str, Any]:
    """What the queue should say of one report; boundary '' where it can't be determined."""
    return {
        "name": item.get("name", ""),
        "campaign": item["campaign"],
        **plan["campaign"][item["campaign"]],
        "boundary": item.get("boundary", ""),
        "loss": item.get("loss", ""),
    }


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in build().items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "deploy" / "samples")
