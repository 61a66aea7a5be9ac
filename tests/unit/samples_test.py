"""The sample reports: reproducible, with reserved names only, whole, and with every DNS answer beside them."""

import email
import io
import json
import re
import subprocess
import sys
import zipfile
from email.message import Message
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import dkim
import olefile
import oxmsg
import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "deploy" / "samples"
GOLDEN = ROOT / "tests" / "golden" / "mail"
BY_HAND = {"README.md", ".gitattributes"}
MANIFEST: dict[str, Any] = json.loads((SAMPLES / "manifest.json").read_bytes())
DNS: dict[str, Any] = json.loads((SAMPLES / "dns.json").read_bytes())
SUBMISSIONS = MANIFEST["submissions"]
BOUNDARIES = sorted({row["boundary"] for each in SUBMISSIONS for row in each["expected"]} - {""})
LISTS = ("zen.spamhaus.org", "dnsbl.dronebl.org", "bl.spamcop.net", "psbl.surriel.com")
RESERVED = tuple(
    ip_network(each)
    for each in (
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"),
    )
)
MAIL = re.compile(r"[\w.+-]+@((?:[\w-]+\.)+[\w-]+)")
WEB = re.compile(r"https?://([\w.-]+)")
HOST = re.compile(r"\b(?:from|by|helo=|HELO) ?((?:[\w-]+\.)+[a-z]{2,})", re.I)
IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-])")


def payload(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def messages() -> dict[str, bytes]:
    """Every message in wire form, those inside the zip and the text of the .msg too."""
    found = {each["file"]: payload(each["file"]) for each in SUBMISSIONS if each["file"].endswith(".eml")}
    with zipfile.ZipFile(SAMPLES / "10-werkhof-mailbox.zip") as archive:
        found |= {name: archive.read(name) for name in archive.namelist()}
    kept = oxmsg.Message.load(io.BytesIO(payload("12-invoice.msg")))
    headers = kept.properties.str_prop_value(0x007D)
    return found | {"12-invoice.msg": f"{headers}\r\n{kept.body}".encode()}


def texts(message: Message) -> str:
    """Headers and decoded text of every part."""
    out = []
    for part in message.walk():
        out += [str(value) for value in part.values()]
        if part.get_content_maintype() == "text":
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            out.append(data.decode(part.get_content_charset("utf-8")))
        elif part.get_content_type() == "message/feedback-report":
            out.append(str(part.get_payload()))
    return "\n".join(out)


def nested(data: bytes) -> bytes:
    """The attached message, sliced out of the original bytes."""
    boundary = email.message_from_bytes(data).get_boundary()
    assert boundary is not None
    start = data.index(b"\r\n\r\n", data.index(b"Content-Type: message/rfc822")) + 4
    return data[start : data.index(b"\r\n--" + boundary.encode(), start)]


def key_record(name: bytes, timeout: int = 5) -> bytes:
    return str(DNS["TXT " + name.decode().removesuffix(".")]["answers"][0]).encode()


def test_the_generator_gives_these_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tests" / "make_samples.py", tmp_path], check=True, timeout=60)
    made = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    kept = {each.name: each.read_bytes() for each in SAMPLES.iterdir() if each.name not in BY_HAND}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_every_file_is_explained() -> None:
    said = (SAMPLES / "README.md").read_text("utf-8")
    assert [each["file"] for each in SUBMISSIONS if f"`{each['file']}`" not in said] == []
    said = (GOLDEN / "README.md").read_text("utf-8")
    assert [each.name for each in GOLDEN.glob("*.eml") if f"`{each.name}`" not in said] == []


@pytest.mark.parametrize("name", sorted(messages()))
def test_lines_end_in_crlf_and_are_not_too_long(name: str) -> None:
    data = messages()[name]
    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r") > 0
    assert max(map(len, data.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("name", sorted(messages()))
def test_only_reserved_names_and_addresses(name: str) -> None:
    said = texts(email.message_from_bytes(messages()[name]))
    hosts = {found.lower() for pattern in (MAIL, WEB, HOST) for found in pattern.findall(said)}
    assert hosts, "the patterns see nothing"
    own = re.compile(
        r"(?:.+\.)?[\w-]+\.(?:example|test|invalid)|(?:.+\.)?example\.(?:com|net|org)|localhost\.localdomain"
    )
    strange = {host for host in hosts if not own.fullmatch(host) and not IPV4.fullmatch(host)}
    assert strange == set()
    forged = {"287.41.9.118", "263.7.114.20"}
    for found in set(IPV4.findall(said)) - forged:
        assert any(ip_address(found) in net for net in RESERVED), found


@pytest.mark.parametrize("name", [each["file"] for each in SUBMISSIONS if each["way"] == "smtp"])
def test_signatures_verify_with_the_recorded_keys(name: str) -> None:
    data = payload(name)
    assert dkim.verify(data, dnsfunc=key_record)
    if b"message/rfc822" in data and b"DKIM-Signature:" in nested(data):
        assert dkim.verify(nested(data), dnsfunc=key_record)


@pytest.mark.parametrize("domain", ["stadtbuecherei-auental.example", "yuyan-academy.example", "suian-asset.test"])
def test_what_claims_to_be_signed_is(domain: str) -> None:
    signed = [each for each in messages().values() if f"d={domain};".encode() in each]
    assert signed
    assert all(dkim.verify(nested(each), dnsfunc=key_record) for each in signed)
    changed = nested(signed[0]).replace(b"MIME-Version: 1.0", b"MIME-Version: 1.1")
    assert not dkim.verify(changed, dnsfunc=key_record)


@pytest.mark.parametrize("name", [each["file"] for each in SUBMISSIONS if "-isp-" in each["file"]])
def test_arf_has_its_three_parts(name: str) -> None:
    message = email.message_from_bytes(payload(name))
    parts = message.get_payload()
    assert isinstance(parts, list)
    assert message.get_param("report-type") == "feedback-report"
    types = [each.get_content_type() for each in parts if isinstance(each, Message)]
    assert types == ["text/plain", "message/feedback-report", "message/rfc822"]


def test_the_claimed_source_is_the_boundary() -> None:
    for each in SUBMISSIONS:
        if "-isp-" in each["file"]:
            (row,) = each["expected"]
            assert f"\r\nSource-IP: {row['boundary']}\r\n".encode() in payload(each["file"])


def test_the_msg_is_read_by_other_peoples_readers() -> None:
    data = payload("12-invoice.msg")
    with olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_UNSURE) as ole:
        assert ole.parsing_issues == []
        assert ole.exists("__substg1.0_007D001F")
    message = oxmsg.Message.load(io.BytesIO(data))
    assert message.subject == "Invoice NG-20455 - payment to our new account"
    assert message.sender == '"Northgate Office Supply - Accounts" <billing@northgate-office.example>'
    assert message.body is not None
    assert "https://northgate-remit.test/inv/NG-20455\r\n" in message.body
    assert message.recipients[0].email_address == "sekretariat@kanzlei-ostertag.example"
    assert "198.51.100.20" in str(message.properties.str_prop_value(0x007D))


def test_every_boundary_is_known_to_the_recording() -> None:
    for ip in BOUNDARIES:
        pointer = ip_address(ip).reverse_pointer
        labels = pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
        (name,) = DNS[f"PTR {pointer}"]["answers"]
        family, origin = ("AAAA", "origin6") if ":" in ip else ("A", "origin")
        assert DNS[f"{family} {name}"]["status"] in ("answer", "nxdomain")
        (network,) = DNS[f"TXT {labels}.{origin}.asn.cymru.com"]["answers"]
        number, prefix, *_ = network.split(" | ")
        assert ip_address(ip) in ip_network(prefix)
        assert DNS[f"TXT as{number}.asn.cymru.com"]["answers"]
        assert all(DNS[f"A {labels}.{zone}"]["status"] in ("answer", "nxdomain") for zone in LISTS)


def test_listed_and_not_listed_both_occur() -> None:
    for zone in LISTS:
        states = {row["status"] for question, row in DNS.items() if question.endswith(zone)}
        assert states == {"answer", "nxdomain"}


def test_expected_covers_what_must_be_shown() -> None:
    rows = [row for each in SUBMISSIONS for row in each["expected"]]
    assert {row["technique"] for row in rows} == {"", "zombie", "open-relay", "open-proxy"}
    assert {row["band"] for row in rows} == {"concrete", "nuisance", "none"}
    assert [row["campaign"] for row in rows if row["loss"]] == ["invest"]
    assert {each["way"] for each in SUBMISSIONS} == {"smtp", "upload"}
    zombies = {each["mail_from"] for each in SUBMISSIONS for row in each["expected"] if row["technique"] == "zombie"}
    assert len(zombies) >= 3
