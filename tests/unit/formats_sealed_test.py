"""Signed covers are read like others; what is encrypted is said, with what to do."""

import base64
import random
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509.oid import NameOID

from intake.formats import Opened, open_submission

SPAM = (
    b"Received: from [203.0.113.7] by mx.example.net; Tue, 3 Nov 2026 08:11:02 +0000\r\n"
    b"From: a@deals.example\r\nSubject: pay\r\n\r\npay \r\n"
)
HEAD = b"From: ana@isp.example.net\r\nSubject: spam\r\nMIME-Version: 1.0\r\n"
ATTACHED = (
    b"Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\nLook.\r\n--in\r\n"
    b"Content-Type: message/rfc822\r\n\r\n" + SPAM + b"\r\n--in--\r\n"
)
FORWARD = (
    b"---------- Forwarded message ---------\nFrom: a <a@deals.example>\nDate: today\nSubject: pay\n\n"
    b"----- only today -----\n"
)


@cache
def person() -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ana")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    made = made.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
    return made.public_key(key.public_key()).sign(key, hashes.SHA256()), key


@cache
def opaque(data: bytes) -> bytes:
    """A signature with its content inside, in DER."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(*person(), hashes.SHA256())
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def streamed(data: bytes, folder: Path) -> bytes:
    """The same with lengths that are not known beforehand, in BER, as some programs write it."""
    certificate, key = person()
    (folder / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "certificate").write_bytes(certificate.public_bytes(Encoding.PEM))
    command = ["openssl", "cms", "-sign", "-nodetach", "-binary", "-stream", "-outform", "DER"]
    command += ["-signer", "certificate", "-inkey", "key"]
    return subprocess.run(command, input=data, cwd=folder, check=True, capture_output=True).stdout


def enveloped(data: bytes) -> bytes:
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(data).add_recipient(person()[0])
    return builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def mail(der: bytes, kind: bytes) -> bytes:
    return HEAD + (
        b"Content-Type: application/pkcs7-mime; smime-type=%s; name=smime.p7m\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n%s" % (kind, base64.encodebytes(der))
    )


def outcomes(result: Opened) -> list[tuple[str, str]]:
    return [(found.format, found.verdict) for found in result.found]


def reported(result: Opened, data: bytes) -> bytes:
    found = result.found[0]
    return (data if found.source < 0 else result.made[found.source].data)[found.start : found.end]


def test_what_a_signed_multipart_carries_is_a_slice_of_the_submission() -> None:
    data = HEAD + (
        b"Content-Type: multipart/signed; protocol=application/pkcs7-signature; boundary=out\r\n\r\n--out\r\n"
        + ATTACHED + b"--out\r\nContent-Type: application/pkcs7-signature\r\n\r\nAAAA\r\n--out--\r\n"
    )  # fmt: skip
    result = open_submission(data, cover=True)
    assert outcomes(result) == [("attached", "report")] and result.made == ()
    assert reported(result, data) == SPAM and result.found[0].claims.note == "Look."


@pytest.mark.parametrize("protocol", [b"application/pgp-signature", b"application/pkcs7-signature"])
def test_a_forward_that_is_signed_is_read(protocol: bytes) -> None:
    data = HEAD + (
        b"Content-Type: multipart/signed; protocol=%s; boundary=out\n\n--out\nContent-Type: text/plain\n\n"
        b"%s--out\nContent-Type: %s\n\nAAAA\n--out--\n" % (protocol, FORWARD, protocol)
    )
    assert outcomes(open_submission(data, cover=True)) == [("inline_forward", "report")]


def test_what_an_opaque_signature_holds_is_found_and_the_bytes_are_exact() -> None:
    data = mail(opaque(ATTACHED), b"signed-data")
    result = open_submission(data, cover=True)
    assert outcomes(result) == [("attached", "report")] and reported(result, data) == SPAM
    assert [(made.name, made.source) for made in result.made] == [("base64", -1), ("smime", 0)]
    assert result.found[0].claims.note == "Look."


def test_a_forward_inside_an_opaque_signature_is_read() -> None:
    data = mail(opaque(b"Content-Type: text/plain\n\n" + FORWARD), b"signed-data")
    assert outcomes(open_submission(data, cover=True)) == [("inline_forward", "report")]


def test_an_opaque_mail_that_carries_nothing_is_the_mail_as_it_came() -> None:
    data = mail(opaque(b"Content-Type: text/plain\n\nhello\n"), b"signed-data")
    result = open_submission(data, cover=True)
    assert outcomes(result) == [("raw", "report")] and reported(result, data) == data


def test_an_opaque_signature_in_ber_is_said(tmp_path: Path) -> None:
    found = open_submission(mail(streamed(ATTACHED, tmp_path), b"signed-data"), cover=True).found
    assert [one.verdict for one in found] == ["password-protected"] and "neither encrypted nor signed" in found[0].says


def test_files_of_that_kind_are_opened_too() -> None:
    result = open_submission(opaque(SPAM), "spam.eml.p7m")
    assert outcomes(result) == [("raw", "report")] and reported(result, b"") == SPAM
    assert outcomes(open_submission(enveloped(SPAM), "smime.p7m")) == [("sealed", "password-protected")]


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_signatures_inside_each_other_one_below_at_and_above(levels: int) -> None:
    data = SPAM
    for _ in range(levels):
        data = opaque(data)
    result = open_submission(data, "x" + ".p7m" * levels)
    assert ("archive-depth" in result.limits) is (levels > 3)
    assert [found.verdict for found in result.found] == ["limit" if levels > 3 else "report"]


PGP = b"-----BEGIN PGP MESSAGE-----\n\nhQEMA0aaaaaaaaaaAQf/\n=aaaa\n-----END PGP MESSAGE-----\n"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\n"
         b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\n"
         + PGP + b"--b--\n", "OpenPGP"),
        (b"Content-Type: text/plain\n\nSee below.\n\n" + PGP, "OpenPGP"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + PGP + b"--b\n\nList footer\n--b--\n", "OpenPGP"),
    ],
)  # fmt: skip
def test_what_is_encrypted_says_so_and_what_to_do(body: bytes, word: str) -> None:
    found = open_submission(HEAD + body, cover=True).found
    assert [(one.format, one.verdict) for one in found] == [("sealed", "password-protected")]
    assert word in found[0].says and "reported message as an attachment" in found[0].says


@pytest.mark.parametrize("kind", [b"enveloped-data", b"authEnveloped-data", b""])
def test_an_enveloped_mail_says_so(kind: bytes) -> None:
    found = open_submission(mail(enveloped(ATTACHED), kind), cover=True).found
    assert [one.verdict for one in found] == ["password-protected"] and "S/MIME" in found[0].says


def test_an_encrypted_file_says_so() -> None:
    assert outcomes(open_submission(PGP, "spam.eml.asc")) == [("sealed", "password-protected")]


def test_sealed_mails_that_are_handed_in_as_files_are_the_reported_ones() -> None:
    for data in (mail(enveloped(ATTACHED), b"enveloped-data"), HEAD + b"\n" + PGP):
        assert outcomes(open_submission(data)) == [("raw", "report")]
        passed_on = b"Received: x\r\nReturn-Path: <a@deals.example>\r\n" + data
        assert outcomes(open_submission(passed_on, cover=True)) == [("raw", "report")]


def test_a_text_signed_in_the_clear_is_read_without_its_armour() -> None:
    escaped = b"".join(b"- " + line if line.startswith(b"-") else line for line in FORWARD.splitlines(keepends=True))
    data = HEAD + (
        b"\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nLook.\n\n" + escaped
        + b"-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCgAd\n=aaaa\n-----END PGP SIGNATURE-----\n"
    )  # fmt: skip
    result = open_submission(data, cover=True)
    assert outcomes(result) == [("inline_forward", "report")] and result.found[0].claims.note == "Look."
    assert reported(result, data).endswith(b"\n\n----- only today -----\n")


def test_a_forward_of_a_mail_with_an_encrypted_text_is_a_forward() -> None:
    assert outcomes(open_submission(HEAD + b"\n" + FORWARD + b"x" * 2001 + b"\n" + PGP, cover=True)) == [
        ("inline_forward", "report")
    ]


def test_hostile_bytes_give_a_verdict_and_never_an_exception() -> None:
    whole, chance, seen = opaque(ATTACHED), random.Random(5), set()
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        result = open_submission(mail(bytes(data[: chance.choice((None, chance.randrange(9, 500)))]), b""), cover=True)
        assert result.found
        seen |= {found.verdict for found in result.found}
    assert {"password-protected", "report"} <= seen


@pytest.mark.parametrize(
    "text",
    [
        b"-----BEGIN PGP SIGNED MESSAGE-----\n" * 9000,
        b"-----BEGIN PGP SIGNED MESSAGE-----\n\n" + b"\n-----BEGIN PGP SIGNATURE-----" * 9000,
        b"-----BEGIN PGP MESSAGE-----\n" * 9000,
    ],
)
def test_armour_without_end_is_no_trouble(text: bytes) -> None:
    assert open_submission(HEAD + b"\n" + text, cover=True).found
