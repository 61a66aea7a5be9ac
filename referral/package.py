"""Package: the sealed bundle, a BagIt bag (RFC 8493) in a zip file that can be checked without us.

    <request>/bagit.txt  bag-info.txt  manifest-sha256.txt  tagmanifest-sha256.txt  signatures.json
    <request>/data/request.json       the approved bytes: the record with its 38 fields
    <request>/data/request.<lang>.html  the same to read
    <request>/data/approval.json      approvals, checks, contact, proof that the vault holds the request
    <request>/data/evidence.json      every exhibit with digest, mark, proof and cuts; the lookups that are cited
    <request>/data/evidence/<report>.eml
    <request>/data/custody.jsonl  checkpoint.json  verify.py

Equal input gives equal bytes on every machine: members are sorted, stored uncompressed, and dated 1980. Before it is
closed, every member is searched for the identity of reporters who did not agree to be named. `signatures.json` signs
the tag manifest and so stands outside it. The library bagit writes the hour and its own name into a bag; we don't.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from intake.errors import Refused
from intake.record import Record, canonical, sha256
from intake.report import Report
from referral.approval import Signer, bundle_statement
from referral.contact import ContactPoint
from referral.disclosure import VERSION
from referral.dossier import Item
from referral.evidence import Archive, Prepared
from referral.identity import Identifiers, leaks
from referral.letter import letter
from referral.request import Approval, AssistanceRequest, CheckResult

VERIFIER = Path(__file__).with_name("verify.py")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class Bundle(NamedTuple):
    """A sealed bundle: zip bytes, its SHA-256, that of the tag manifest, and a file name for it."""

    data: bytes
    sha256: str
    tagmanifest: str
    name: str


class Contents(NamedTuple):
    """What goes into a bundle."""

    request: AssistanceRequest
    contact: ContactPoint
    items: Sequence[Item]
    """What is read of the case; the lookups that the request cites are among theirs."""
    approvals: Sequence[Approval]
    checks: Sequence[CheckResult]
    prepared: Sequence[Prepared]
    custody: bytes
    checkpoint: bytes
    """Signed JSON of the vault's heads."""


def seal(archive: Archive, contents: Contents, known: Identifiers, person: str, signer: Signer) -> Bundle:
    """The bundle, signed by `person`; `Refused('identity')` names the member in which an identity was found."""
    payload = _payload(archive, contents)
    _search(payload, contents.prepared, known)
    request = contents.request
    tags = {"bagit.txt": _BAGIT, "bag-info.txt": _info(request, payload), "manifest-sha256.txt": _manifest(payload)}
    tagmanifest = _manifest(tags)
    digest = sha256(tagmanifest)
    signature = signer.sign(bundle_statement(digest, person))
    seals = canonical([{"person": person, "public_key": signer.public_key, "signature": signature}])
    files = {**payload, **tags, "tagmanifest-sha256.txt": tagmanifest, "signatures.json": seals}
    data = zipped(request.id, files)
    return Bundle(data, sha256(data), digest, f"{request.id}-{sha256(data)[:16]}.zip")


def _payload(archive: Archive, contents: Contents) -> dict[str, bytes]:
    request = contents.request
    files = {
        "data/request.json": request.body,
        "data/approval.json": canonical(_approval(archive, contents)),
        "data/evidence.json": canonical(_evidence(archive, contents)),
        "data/custody.jsonl": contents.custody,
        "data/checkpoint.json": contents.checkpoint,
        "data/verify.py": VERIFIER.read_bytes(),
    }
    for language in request.languages:
        files[f"data/request.{language}.html"] = letter(request, contents.approvals, language)
    for each in contents.prepared:
        if each.data:
            files[_file(each)] = each.data
    return files


def _file(prepared: Prepared) -> str:
    return f"data/evidence/{prepared.exhibit.report}.eml" if prepared.data else ""


def _approval(archive: Archive, contents: Contents) -> dict[str, Any]:
    return {
        "approvals": [{"record": each.body.decode(), **_proof(archive, each)} for each in contents.approvals],
        "checks": contents.checks,
        "contact": contents.contact,
        "request": {"digest": contents.request.digest, **_proof(archive, contents.request)},
    }


def _proof(archive: Archive, record: Record) -> dict[str, str]:
    proof = archive.proof(record)
    return {"header": proof.header.hex(), "salt": proof.salt.hex()}


def _evidence(archive: Archive, contents: Contents) -> dict[str, Any]:
    return {
        "redaction": VERSION,
        "items": [_item(archive, each) for each in contents.prepared],
        "lookups": _lookups(contents),
    }


def _item(archive: Archive, prepared: Prepared) -> dict[str, Any]:
    """Record and salt go only with an original: they tell what a redacted copy withholds."""
    exhibit = prepared.exhibit
    report = archive.get(Report, exhibit.report)
    if report is None:
        raise Refused("erased", f"report {exhibit.report} is not kept any more")
    proof = _proof(archive, report)
    item = {
        "evidence": exhibit.report, "file": _file(prepared), "form": exhibit.form, "sha256": exhibit.sha256,
        "size": exhibit.size, "mark": exhibit.mark, "origin": exhibit.origin, "format": exhibit.format,
        "received": exhibit.received, "reason": exhibit.reason, "commitment": exhibit.commitment,
        "cuts": exhibit.cuts, "header": proof["header"],
    }  # fmt: skip
    return {**item, "record": report.body.decode(), "salt": proof["salt"]} if exhibit.form == "original" else item


def _lookups(contents: Contents) -> list[Any]:
    """The kept answers that the request cites, each once."""
    cited = {cite.evidence for field in contents.request.fields for cite in field.cites}
    found = {
        (each.type, each.name, str(each.at)): each
        for item in contents.items
        for each in item.examination.lookups
        if f"lookup:{each.id}" in cited
    }
    return [found[key] for key in sorted(found)]


def _search(payload: Mapping[str, bytes], prepared: Iterable[Prepared], known: Identifiers) -> None:
    """A last look at every member; originals were released, and their records stand in evidence.json."""
    released = {_file(each) for each in prepared if each.exhibit.form == "original"}
    certain = known.certain()
    for name, data in sorted(payload.items()):
        if name in released or name == "data/verify.py" or (released and name == "data/evidence.json"):
            continue
        found = leaks(data, certain)
        if found:
            raise Refused("identity", f"{name} still holds a reporter's identity ({', '.join(found)})")


def _info(request: AssistanceRequest, payload: Mapping[str, bytes]) -> bytes:
    sender = str((request.field(6).value or {}).get("name", "")).replace("\n", " ").replace("\r", " ")
    lines = [
        f"Source-Organization: {sender}",
        f"External-Identifier: {request.id}",
        f"Bagging-Date: {request.at.date().isoformat()}",
        f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _manifest(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256(files[name])}  {name}\n" for name in sorted(files)).encode()


def zipped(folder: str, files: Mapping[str, bytes]) -> bytes:
    """A zip file of these files in `folder`; the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(files):
            member = zipfile.ZipInfo(f"{folder}/{name}", _EPOCH)
            member.create_system, member.external_attr = 3, 0o100644 << 16
            bundle.writestr(member, files[name])
    return out.getvalue()
