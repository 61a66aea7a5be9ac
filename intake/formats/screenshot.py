"""Screenshots: pictures that are handed in instead of the message; the one door to Pillow and zxing-cpp.

Promises a claim without a message: what each picture is, and what the QR codes in it say, addresses of pages as
reported URIs. The pictures themselves stay in the submission's bytes. Text in a picture is not read, and that is said.
Only the first frame is looked at, in the six formats below, and nothing is decoded whose header promises more than 40
million pixels. Each format's decoder is called by name, so that no other one of the library is ever reached.
Formats: PNG (ISO 15948), JPEG, GIF89a, WebP (RFC 9649), BMP, TIFF 6; QR codes of ISO 18004.
"""

import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import zxingcpp
from msgspec import structs
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from intake import mime
from intake.formats import cover
from intake.formats.cover import BRIEF, NOTE, Cover
from intake.formats.opened import Desk, Item
from intake.mime import Node, Tree
from intake.record import sha256
from intake.report import Claims

FORMAT = "screenshot"
MISSING = ("headers", "received", "body")
PIXELS = 40_000_000
"""Most pixels of a picture that is decoded."""
MOST = 20
"""Most pictures of one mail that are looked at."""
LOOKED = 2_000_000
"""Pixels to which larger pictures are reduced before codes are looked for: that takes time by their square at worst."""
CODES = 50
"""Most codes of one mail that are kept."""
TEXT = 4000
"""Characters of a code that are kept."""
SMALL = 120
"""Pixels of the shorter side below which a picture in a mail is an ornament."""

_DECODERS: tuple[tuple[str, re.Pattern[bytes], type[ImageFile]], ...] = (
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    ("JPEG", re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    ("GIF", re.compile(rb"GIF8[79]a"), GifImageFile),
    ("WebP", re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImageFile),
    ("BMP", re.compile(rb"BM....\0\0\0\0....[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), BmpImageFile),
    ("TIFF", re.compile(rb"II\*\0|MM\0\*"), TiffImageFile),
)
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_OTHERS = re.compile(rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1|avi[fs])", re.DOTALL)
_PAGE = re.compile(r"(?:https?://|www\.)\S", re.IGNORECASE)
_LINKED = re.compile(r"<a\b[^<>]{0,4000}>\s{0,50}<img\b", re.IGNORECASE)
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_UNREAD = "The text in a picture is not read."


class Picture(NamedTuple):
    """What is known of a picture; `problem` says why it was not looked at: limit, damaged, other or ''."""

    kind: str
    width: int = 0
    height: int = 0
    codes: tuple[str, ...] = ()
    problem: str = ""


def read(item: Item, desk: Desk) -> bool:
    """Whether the item is a picture; if so it is now a claim without a message, or has its verdict."""
    if not kind_of(item.content):
        return False
    picture = look(item.content, desk)
    if picture.problem == "limit":
        says = f"A picture of more than {PIXELS // 1_000_000} million pixels, or too many of them."
        desk.limit(item, "picture-pixels", FORMAT, says)
    elif picture.problem == "other":
        desk.verdict(item, "not-fully-examined", FORMAT, f"A {picture.kind} picture, which isn't read here: send PNG.")
    elif picture.problem:
        desk.verdict(item, "damaged", FORMAT, f"A {picture.kind} picture that can't be read.")
    else:
        told = _claims(item.claims, [(item.filename, item.content, picture)])
        desk.report(item, 0, 0, FORMAT, told, MISSING, f"A picture. {_UNREAD}")
    return True


def read_mail(item: Item, tree: Tree, desk: Desk) -> bool:
    """Whether a person's mail carries pictures and nothing else; if so they are one claim, the person's words its note.

    Mail that was passed on, or whose pictures lead somewhere, is itself the message that is reported.
    """
    content = item.content
    if not item.cover or cover.passed_on(tree):
        return False
    nodes = _pictures(tree)
    if not nodes or not _nothing_else(tree):
        return False
    mail = cover.read(content, tree)
    if not _brief(mail):
        return False
    seen = _seen(content, nodes, desk)
    if not any(picture.problem or min(picture.width, picture.height) >= SMALL for _, _, picture in seen):
        return False
    told = _claims(Claims(note=mail.text.strip()[:NOTE]), seen)
    desk.report(item, 0, 0, FORMAT, told, MISSING, _says(len(nodes), seen))
    return True


def codes(content: bytes, tree: Tree, desk: Desk) -> tuple[str, ...]:
    """The addresses of pages in the QR codes of a mail's pictures."""
    seen = _seen(content, _pictures(tree), desk)
    return _claims(Claims(), seen).reported_uri


def _pictures(tree: Tree) -> list[Node]:
    return [node for node in cover.own(tree) if node.type.startswith("image/") and not node.children]


def _nothing_else(tree: Tree) -> bool:
    """Whether a mail has only texts, pictures and signatures."""
    leaves = [node for node in tree.nodes if not node.children and not node.type.startswith("multipart/")]
    return all(node.type.startswith(("text/", "image/")) or node.type in _SIGNATURES for node in leaves)


def _brief(mail: Cover) -> bool:
    return len(mail.text.strip()) <= BRIEF and not _LINKED.search(mail.markup)


def _seen(content: bytes, nodes: Sequence[Node], desk: Desk) -> list[tuple[str, bytes, Picture]]:
    """Name, bytes and what is known of each picture."""
    if len(nodes) > MOST:
        desk.limits["pictures"] = None
    out = []
    for node in nodes[:MOST]:
        data = mime.decoded(content, node, desk.left)
        out.append((node.name, data, look(data, desk) if kind_of(data) else Picture("unknown", problem="other")))
    if any(picture.problem == "limit" for _, _, picture in out):
        desk.limits["picture-pixels"] = None
    return out


def _says(count: int, seen: Sequence[tuple[str, bytes, Picture]]) -> str:
    unread = count - sum(not picture.problem for _, _, picture in seen)
    pictures = "A picture." if count == 1 else f"{count} pictures."
    return " ".join(filter(None, (pictures, f"{unread} could not be looked at." if unread else "", _UNREAD)))


def _claims(claims: Claims, seen: Iterable[tuple[str, bytes, Picture]]) -> Claims:
    """What the pictures are and say, beside what is claimed already."""
    pages: dict[str, None] = {}
    extra = list(claims.extra)
    for name, data, picture in seen:
        size = f" {picture.width}x{picture.height}" if picture.width else ""
        extra.append(("Picture", f"{name[:TEXT]} {picture.kind}{size} SHA-256 {sha256(data)}".strip()))
        for text in picture.codes:
            if _PAGE.match(text):
                pages[text] = None
            else:
                extra.append(("QR-Text", text))
    return structs.replace(claims, reported_uri=(*claims.reported_uri, *list(pages)[:CODES]), extra=tuple(extra))


# One picture


def kind_of(content: bytes) -> str:
    """The kind of picture, by its first bytes; '' for none."""
    known = next((kind for kind, magic, _ in _DECODERS if magic.match(content)), "")
    return known or ("HEIC or AVIF" if _OTHERS.match(content) else "")


def look(data: bytes, desk: Desk) -> Picture:
    """What the header says, and the codes in the first frame; never raises."""
    found = next(((kind, decoder) for kind, magic, decoder in _DECODERS if magic.match(data)), None)
    if found is None:
        return Picture(kind_of(data), problem="other")
    kind, decoder = found
    try:
        with decoder(io.BytesIO(data)) as image:
            width, height = image.size
            looked = min(width * height, LOOKED)
            if width * height > min(PIXELS, desk.pixels) or looked > desk.searched:
                return Picture(kind, width, height, problem="limit")
            desk.pixels -= width * height
            desk.searched -= looked
            return Picture(kind, width, height, _codes(image))
    except MemoryError:
        return Picture(kind, problem="limit")
    except Exception:
        # Pillow raises many kinds on hostile bytes: OSError, SyntaxError, ValueError, struct.error, KeyError ...
        return Picture(kind, problem="damaged")


def _codes(image: ImageFile) -> tuple[str, ...]:
    """The texts of the codes, each once."""
    found = zxingcpp.read_barcodes(_grey(image), formats=_QR, text_mode=zxingcpp.TextMode.Plain)
    return tuple(dict.fromkeys(code.text[:TEXT] for code in found[:CODES] if code.text.strip()))


def _grey(image: ImageFile) -> Image.Image:
    """The picture in grey, on white where it is transparent, reduced to the pixels in which codes are looked for."""
    scale = math.sqrt(LOOKED / (image.width * image.height))
    if scale < 1:
        image.draft("L", (int(image.width * scale), int(image.height * scale)))
    image.load()
    shown: Image.Image = image.convert("RGBA") if "transparency" in image.info else image
    grey = shown.convert("L")
    if "A" in shown.getbands():
        white = Image.new("L", grey.size, 255)
        white.paste(grey, mask=shown.getchannel("A"))
        grey = white
    scale = math.sqrt(LOOKED / (grey.width * grey.height))
    if scale >= 1:
        return grey
    smaller = (max(int(grey.width * scale), 1), max(int(grey.height * scale), 1))
    return grey.resize(smaller, Image.Resampling.BOX)
