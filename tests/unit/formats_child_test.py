"""The parsing child on the formats that need libraries: closed in, within its limits, a verdict for all."""

import bz2
import io
import lzma
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from PIL import Image

from intake.formats import Opened
from intake.parsing import Given, NotExamined, Parser, command
from intake.unpack import JOB, About
from tests.rar import rar
from tests.tnef import item, tnef

SPAM = b"Received: from x by y\nFrom: a@deals.example\nSubject: pay\n\npay\n"


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    parser = Parser(command("deploy.parserd"))
    yield parser
    parser.close()


def opened(parser: Parser, data: bytes, name: str = "") -> Opened:
    (result,) = parser.run_all(JOB, [Given(0, data, About(filename=name, cover=False))], Opened)
    if isinstance(result, NotExamined):
        raise result
    return result


def seven(folder: Path, data: bytes, *options: str) -> bytes:
    (folder / "報告.eml").write_bytes(data)
    subprocess.run(["7z", "a", "-bd", *options, "made.7z", "報告.eml"], cwd=folder, check=True, capture_output=True)
    return (folder / "made.7z").read_bytes()


def picture(kind: str, size: tuple[int, int] = (400, 400), mode: str = "RGB") -> bytes:
    code, out = io.BytesIO(), io.BytesIO()
    segno.make("https://fee.test/").save(code, kind="png", scale=6)
    canvas = Image.new("RGB", size, "white")
    canvas.paste(Image.open(code).convert("RGB"), (30, 30))
    canvas.convert(mode).save(out, kind)
    return out.getvalue()


def test_archives_are_opened_in_the_child(parser: Parser, tmp_path: Path) -> None:
    for data in (seven(tmp_path, SPAM), rar([("報告.eml", SPAM)])):
        assert [(one.name, one.verdict) for one in opened(parser, data).found] == [("報告.eml", "report")]
    for data in (lzma.compress(SPAM), bz2.compress(SPAM)):
        assert [one.verdict for one in opened(parser, data).found] == ["report"]
    assert parser.sandbox == "seccomp"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WebP", "BMP", "TIFF"])
def test_pictures_are_read_in_the_child(parser: Parser, kind: str) -> None:
    assert opened(parser, picture(kind)).found[0].claims.reported_uri == ("https://fee.test/",)


def test_a_winmail_is_opened_in_the_child(parser: Parser) -> None:
    inner = tnef({0x007D: "Received: from x by y\nFrom: a@deals.example\n\n", 0x1000: "pay"})
    assert [one.verdict for one in opened(parser, tnef({}, [item("x", inner)])).found] == ["report"]


def large(mode: str) -> bytes:
    """A picture of nearly the most pixels that are decoded."""
    return picture("PNG", (8000, 4900), mode)


def patterns() -> bytes:
    """A picture tiled with what codes are found by: the search takes time by the square of their number."""
    tile, out = io.BytesIO(), io.BytesIO()
    segno.make("x").save(tile, kind="png", scale=1, border=1)
    corner = Image.open(tile).convert("L").crop((1, 1, 8, 8))
    canvas = Image.new("L", (1400, 1400), 255)
    for x in range(0, 1400, 9):
        for y in range(0, 1400, 9):
            canvas.paste(corner, (x, y))
    canvas.save(out, "PNG")
    return out.getvalue()


def lying_png() -> bytes:
    """Forty million pixels of nothing, in a few kilobytes, and a text chunk that would be a gigabyte."""
    header = struct.pack(">IIBBBBB", 8000, 4900, 16, 6, 0, 0, 0)
    pieces = [(b"IHDR", header), (b"zTXt", b"x\0\0" + zlib.compress(bytes(70_000_000), 9))]
    pieces += [(b"IDAT", zlib.compress(bytes(8000 * 4900 * 2))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in pieces
    )


@pytest.mark.parametrize("name", ["rgba", "palette", "patterns", "lying", "bomb", "solid bomb", "counts"])
def test_hostile_submissions_end_within_the_limits(parser: Parser, name: str, tmp_path: Path) -> None:
    made = {
        "rgba": lambda: large("RGBA"),
        "palette": lambda: large("P"),
        "patterns": patterns,
        "lying": lying_png,
        "bomb": lambda: lzma.compress(bytes(50_000_000), preset=0),
        "solid bomb": lambda: seven(tmp_path, bytes(50_000_000), "-mx=1"),
        "counts": lambda: tnef({}) + struct.pack("<BHHI", 1, 0x9003, 6, 4) + b"\xff\xff\xff\xff\0\0",
    }
    found = opened(parser, made[name]()).found
    assert found and {one.verdict for one in found} <= {"report", "limit", "damaged", "not-a-report"}
    assert opened(parser, SPAM).found[0].verdict == "report"
