"""Signed and encrypted mails: what a person's program sealed is opened where it is only signed, else it is said.

Promises that a signed cover is read like any other: multipart/signed is a multipart whose bytes are never touched, a
text signed in the clear is read without its armour (`cover.py`), and an opaque S/MIME signature is taken off as a Made
decoding named 'smime', the signature not checked (certificates of reporters prove nothing here). What is encrypted for
a key that isn't here gets a verdict that says what to do. Of mails handed in as files nothing is taken off: there the
sealed mail is the reported one. Standards: RFC 8551, 5652 (only DER is read), 3156, 9580.
"""

import re
from dataclasses import replace
from typing import Annotated

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from intake import mime
from intake.formats import attached, cover, inline_forward, opened, winmail
from intake.formats.cover import BRIEF
from intake.formats.opened import Desk, Item
from intake.mime import Node, Tree

FORMAT = "sealed"
PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
AGAIN = "Send it again neither encrypted nor signed, the reported message as an attachment."
SIGNED_DATA = ObjectIdentifier("1.2.840.113549.1.7.2")

_OPENPGP = re.compile(r"^-----BEGIN PGP MESSAGE-----[ \t\r]*$", re.MULTILINE)
_OPENPGP_END = re.compile(r"^-----END PGP MESSAGE-----[ \t\r]*$", re.MULTILINE)
_ARMOURED = b"-----BEGIN PGP MESSAGE-----"


@asn1.sequence
class _Encapsulated:
    """EncapsulatedContentInfo (section 5.2)."""

    kind: ObjectIdentifier
    content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class _Signed:
    """SignedData (section 5.1); sets of any order, because programs don't sort them."""

    version: int
    digests: asn1.SetOf[asn1.TLV]
    content: _Encapsulated
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    revoked: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signers: asn1.SetOf[asn1.TLV]


@asn1.sequence
class _SignedInfo:
    """A ContentInfo that holds SignedData."""

    kind: ObjectIdentifier
    content: Annotated[_Signed, asn1.Explicit(0)]


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a file that is encrypted, or signed with the content inside."""
    content = item.content
    if content.lstrip(b" \t\r\n").startswith(_ARMOURED):
        _shut(item, "OpenPGP", desk)
        return True
    if not item.filename.lower().endswith(".p7m") or content[:1] != b"\x30":
        return False
    inner = signed(content)
    if inner is None:
        _shut(item, "S/MIME", desk)
    elif item.level >= opened.NESTING:
        desk.limit(item, "archive-depth", FORMAT, f"More than {opened.NESTING} wrappings inside each other.")
    elif made := desk.make(item, 0, len(content), "smime", inner):
        desk.open([replace(made, filename=item.filename[:-4], level=item.level + 1)])
    else:
        desk.limit(item, "archive-bytes", FORMAT, "What is signed is too large to be taken out.")
    return True


def read_mail(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether a person's mail is sealed; if so what it carries is now found, or it has its verdict."""
    if not item.cover or cover.passed_on(tree):
        return False
    nodes = list(cover.own(tree))
    opaque = next((node for node in nodes if node.type in PKCS7 and not node.children), None)
    if opaque is not None:
        return _smime(item, opaque, desk)
    kind = "S/MIME" if tree.root.type == "multipart/encrypted" and _pkcs7(tree.root) else "OpenPGP"
    if any(node.type == "multipart/encrypted" for node in nodes) or _inline(item.content, tree):
        _shut(item, kind, desk)
        return True
    return False


def _pkcs7(node: Node) -> bool:
    return "pkcs7" in dict(node.params).get("protocol", "").lower()


def _inline(content: bytes, tree: Tree) -> bool:
    """Whether the text is an OpenPGP message with little around it."""
    text = cover.read(content, tree).text
    begin, end = _OPENPGP.search(text), _OPENPGP_END.search(text)
    around = text[: begin.start()] + (text[end.end() :] if end else "") if begin else text
    return begin is not None and len(around.strip()) <= BRIEF


def _smime(item: Item, node: Node, desk: Desk) -> bool:
    """Take off an opaque signature and read what is inside as the cover; whether that, or a verdict, is the outcome."""
    data = mime.decoded(item.content, node, desk.left + 1)
    kind = dict(node.params).get("smime-type", "").lower()
    inner = signed(data) if "enveloped" not in kind else None
    if inner is None:
        _shut(item, "S/MIME", desk)
        return True
    plain = desk.make(item, node.body_start, node.end, node.encoding or "identity", data)
    made = desk.make(plain, 0, len(data), "smime", inner) if plain else None
    if made is None:
        desk.limit(item, "archive-bytes", FORMAT, "What is signed is too large to be taken out.")
    return made is None or _carries(made, desk)


def _carries(item: Item, desk: Desk) -> bool:
    """Whether what was signed is a cover with something in it; what it is else, is the mail as it came."""
    tree = mime.split(item.content)
    return any(reader(item, tree, desk) for reader in (attached.read, winmail.read_mail, inline_forward.read))


def signed(data: bytes) -> bytes | None:
    """The content of a SignedData structure; None where it is none, or in BER, which isn't read, or has none."""
    try:
        info = asn1.decode_der(_SignedInfo, data)
    except ValueError:
        return None
    return info.content.content.content if info.kind == SIGNED_DATA else None


def _shut(item: Item, kind: str, desk: Desk) -> None:
    says = f"Sealed with {kind} in a way that can't be opened here. {AGAIN}"
    desk.verdict(item, "password-protected", FORMAT, says)
