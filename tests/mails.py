"""Mail, keys and answers for authentication tests: written and signed here, no stranger's data.

`evaluated` runs the judgement over a mail with given answers; `answers` turns `{"TXT name": text or status}` into
Lookups. Keys are made once per run.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from random import Random
from types import SimpleNamespace
from unittest.mock import patch

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from nacl.signing import SigningKey

from enrichment.examination import Boundary, Check, Hop
from enrichment.facts import Lookup
from enrichment.gather.authentication import Evaluated, evaluate
from enrichment.gather.reported import reported
from intake.message import Address, Header, Message
from intake.record import Cite, sha256

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SIGNED = int(AT.timestamp()) - 3600
STATUSES = ("nxdomain", "nodata", "timeout", "servfail", "refused", "withheld")
RECEIVED = (
    b"Received: from mx.sender.test (mx.sender.test [192.0.2.25])\r\n"
    b"\tby mx.isp.test with ESMTP id 1; Mon, 23 Nov 2026 11:00:00 +0000\r\n"
)
PLAIN = (
    b"From: Shop <news@sender.test>\r\nTo: someone@isp.test\r\nSubject: Your parcel waits\r\n"
    b"Date: Mon, 23 Nov 2026 10:59:00 +0000\r\nMessage-ID: <1@sender.test>\r\n\r\n"
    b"Pay the customs fee of 1.99 EUR within 24 hours.\r\n"
)


@cache
def rsa_key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """An RSA key made once per run."""
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


def pem(bits: int = 2048) -> bytes:
    """The private key in PEM, PKCS#1."""
    return rsa_key(bits).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def record(bits: int = 2048, extra: str = "") -> str:
    """The key record to publish."""
    der = rsa_key(bits).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; {extra}p={base64.b64encode(der).decode()}"


@cache
def short_key() -> tuple[bytes, str]:
    """(PEM, key record) of an RSA key of 512 bits, which the libraries rightly refuse to make."""
    chance = Random(8301)
    p, q = (_prime(chance) for _ in range(2))
    n, e, d = p * q, 65537, pow(65537, -1, (p - 1) * (q - 1))
    private = _der(0x30, b"".join(map(_integer, (0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)))))
    public = _der(0x30, _integer(n) + _integer(e))
    text = b"-----BEGIN RSA PRIVATE KEY-----\n" + base64.b64encode(private) + b"\n-----END RSA PRIVATE KEY-----\n"
    return text, f"v=DKIM1; p={base64.b64encode(public).decode()}"


def _prime(chance: Random) -> int:
    """A prime of 256 bits with both top bits set."""
    while True:
        candidate = chance.getrandbits(256) | 3 << 254 | 1
        if all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5, 7, 11)):
            return candidate


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def public_record(modulus: int, exponent: int) -> str:
    """A key record with any modulus and exponent (PKCS#1)."""
    return "v=DKIM1; p=" + base64.b64encode(_der(0x30, _integer(modulus) + _integer(exponent))).decode()


@cache
def ed25519() -> tuple[bytes, str]:
    """(private key for dkimpy, key record)."""
    signer = SigningKey(b"\x07" * 32)
    public = base64.b64encode(bytes(signer.verify_key)).decode()
    return base64.b64encode(bytes(signer)), f"v=DKIM1; k=ed25519; p={public}"


def signed(
    data: bytes = PLAIN, domain: str = "sender.test", selector: str = "s1", bits: int = 2048, **how: object
) -> bytes:
    """`data` with a signature of dkimpy's on top; `how` goes to dkim.sign."""
    key = how.pop("privkey", None) or pem(bits)
    how.setdefault("canonicalize", (b"relaxed", b"relaxed"))
    with patch.object(dkim, "time", SimpleNamespace(time=lambda: SIGNED)):  # it has no other way to be told the time
        return bytes(dkim.sign(data, selector.encode(), domain.encode(), key, **how)) + data


def by_hand(data: bytes, more: str = "", bits: int = 2048, at: int = SIGNED, names: str = "from:subject:date") -> bytes:
    """`data` with a signature whose tags `more` are anything at all, made as RFC 6376 section 3.7 says."""
    signer = dkim.DKIM(data)
    body = dkim.canonicalization.Relaxed.canonicalize_body(signer.body)
    length = re.search(r"l=(\d+)", more)
    body_hash = base64.b64encode(dkim.hashlib.sha256(body[: int(length[1])] if length else body).digest()).decode()
    value = f"v=1; a=rsa-sha256; c=relaxed/relaxed; d=sender.test; s=s1; t={at}; {more}h={names}; bh={body_hash}; b="
    hasher = dkim.HashThrough(dkim.hashlib.sha256())
    policy = dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    dkim.hash_headers(
        hasher,
        policy,
        policy.canonicalize_headers(signer.headers),
        [each.strip().lower().encode() for each in names.split(":")],
        [b"DKIM-Signature", b" " + value.encode()],
        {},
    )
    signature = dkim.RSASSA_PKCS1_v1_5_sign(hasher, dkim.parse_pem_private_key(pem(bits)))
    return b"DKIM-Signature: " + value.encode() + base64.b64encode(bytes(signature)) + b"\r\n" + data


def message(data: bytes) -> Message:
    """`data` read plainly: enough of a Message for authentication."""
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    of, headers = sha256(data), []
    for match in re.finditer(rb"^([!-9;-~]+):((?:[^\r\n]|\r?\n[ \t]|\r(?!\n))*)", head, re.M):
        name, value = (part.decode("utf-8", "replace") for part in match.groups())
        cite = Cite(of=of, start=match.start(), end=match.end())
        headers.append(Header(name=name, value=re.sub(r"\r?\n", "", value).strip(), cite=cite))
    authors = tuple(
        Address(name="", address=address, cite=each.cite)
        for each in headers
        if each.name.lower() == "from"
        for address in re.findall(r"[^\s<>,]+@[^\s<>,]+", each.value)
    )
    return Message(sha256=of, size=len(data), headers=tuple(headers), from_=authors)


def answers(texts: Mapping[str, str | Sequence[str]]) -> dict[str, Lookup]:
    """Lookups by question id; a status word stands for a lookup without data."""
    found = {}
    for id_, value in texts.items():
        type_, _, name = id_.partition(" ")
        lines = (value,) if isinstance(value, str) else tuple(value)
        status, lines = (lines[0], ()) if lines[0] in STATUSES else ("answer", lines)
        found[id_] = Lookup(type=type_, name=name, status=status, answers=lines, at=AT, by="test")
    return found


def boundary(data: bytes, ip: str = "192.0.2.25", helo: str = "mx.sender.test") -> Boundary:
    """The topmost Received line as boundary."""
    header = next(iter(message(data).all("Received")), None)
    cite = header.cite if header else None
    return Boundary(index=0, ip=ip, helo=helo, rdns="", confidence="high", reason="", cite=cite)


def evaluated(
    data: bytes,
    texts: Mapping[str, str | Sequence[str]] | None = None,
    at: datetime = AT,
    edges: tuple[str, ...] = (),
    hop: Boundary | None = None,
    hops: tuple[Hop, ...] = (),
) -> Evaluated:
    """The judgement over `data`; without `hop` there is no boundary."""
    read, line = message(data), hop or Boundary()
    return evaluate(data, read, hops, line, answers(texts or {}), at, reported(read, line, edges))


def only(found: Evaluated, method: str) -> Check:
    """The one Check of that method that is ours, not reported by somebody."""
    (check,) = [each for each in found.checks if each.method == method and not each.basis.startswith("asserted")]
    return check
