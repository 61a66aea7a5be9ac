"""Pictures that are handed in: claims without a message, with what the QR codes in them say."""

import base64
import io
import random
import struct
import zlib

import pytest
import segno
from PIL import Image

from intake.formats import Opened, open_submission, opened, screenshot

PAGE = "https://parcel-fee.test/pay?id=7"
HEAD = b"From: ana@isp.example.net\nTo: reports@authority.example\nSubject: got this\nMIME-Version: 1.0\n"


def drawn(text: str = PAGE, mode: str = "RGB", size: tuple[int, int] = (500, 700)) -> Image.Image:
    """A picture of this size with the code of a text somewhere in it."""
    out = io.BytesIO()
    segno.make(text, micro=False).save(out, kind="png", scale=5)
    picture = Image.new("RGB", size, (200, 220, 240))
    picture.paste(Image.open(io.BytesIO(out.getvalue())).convert("RGB"), (60, 90))
    return picture.convert(mode)


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def mail(*parts: tuple[str, str, bytes], head: bytes = HEAD) -> bytes:
    """A mail with these parts: type, file name, data."""
    out = head + b"Content-Type: multipart/mixed; boundary=b\n\n"
    for kind, name, data in parts:
        named = f'\nContent-Disposition: attachment; filename="{name}"' if name else ""
        out += f"--b\nContent-Type: {kind}{named}\nContent-Transfer-Encoding: base64\n\n".encode()
        out += base64.encodebytes(data)
    return out + b"--b--\n"


def verdicts(result: Opened) -> list[str]:
    return [found.verdict for found in result.found]


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "1", {}),
        ("PNG", "P", {}),
        ("JPEG", "RGB", {"quality": 60}),
        ("JPEG", "CMYK", {}),
        ("GIF", "P", {}),
        ("WebP", "RGB", {"quality": 60}),
        ("BMP", "RGB", {}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ],
)
def test_a_picture_is_a_claim_with_the_address_in_its_code(kind: str, mode: str, options: dict) -> None:
    result = open_submission(saved(drawn(mode=mode), kind, **options), f"x.{kind}")
    assert verdicts(result) == ["report"] and result.made == ()
    found = result.found[0]
    assert (found.format, found.start, found.end) == ("screenshot", 0, 0)
    assert found.missing == ("headers", "received", "body")
    assert found.claims.reported_uri == (PAGE,)
    assert found.claims.extra[0][1].startswith(f"x.{kind} {kind} 500x700 SHA-256 ")
    assert "Origin not determinable" in found.says and "text in a picture is not read" in found.says


def test_sixteen_bits_a_pixel_are_read() -> None:
    grey = drawn(mode="L")
    deep = Image.frombytes("I;16", grey.size, b"".join(struct.pack("<H", value * 257) for value in grey.tobytes()))
    assert open_submission(saved(deep)).found[0].claims.reported_uri == (PAGE,)


def test_a_large_picture_is_reduced_and_read() -> None:
    large = drawn().resize((3500, 4900))
    for kind in ("PNG", "JPEG"):
        assert open_submission(saved(large, kind)).found[0].claims.reported_uri == (PAGE,)


def test_a_code_on_a_transparent_ground_is_read() -> None:
    picture = drawn(mode="RGBA")
    clear = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    black = picture.convert("L").point(lambda value: 255 if value < 100 else 0)
    clear.paste(Image.new("RGBA", picture.size, (0, 0, 0, 255)), mask=black)
    assert open_submission(saved(clear)).found[0].claims.reported_uri == (PAGE,)


def test_what_a_code_says_that_is_no_page_is_kept_beside() -> None:
    claims = open_submission(saved(drawn("WIFI:T:WPA;S=x;;"))).found[0].claims
    assert claims.reported_uri == () and ("QR-Text", "WIFI:T:WPA;S=x;;") in claims.extra


def test_a_picture_without_a_code_is_a_claim_all_the_same() -> None:
    result = open_submission(saved(Image.new("RGB", (300, 600))), "Screenshot.png")
    assert verdicts(result) == ["report"] and result.found[0].claims.reported_uri == ()


def test_only_the_first_frame_is_looked_at() -> None:
    second = saved(Image.new("RGB", (500, 700)), "GIF", save_all=True, append_images=[drawn()])
    assert open_submission(second).found[0].claims.reported_uri == ()
    first = saved(drawn(), "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9))])
    assert open_submission(first).found[0].claims.reported_uri == (PAGE,)


def test_two_pictures_are_two_claims() -> None:
    """A claim without a message is told apart by what it says, so the digest of the picture belongs to it."""
    one, two = (open_submission(saved(Image.new("RGB", (300, 600), colour))) for colour in ("red", "blue"))
    assert one.found[0].claims != two.found[0].claims


def test_a_mail_with_pictures_only_is_one_claim_with_the_persons_words() -> None:
    data = mail(
        ("text/plain; charset=utf-8", "", b"This came today."),
        ("image/png", "IMG_1.png", saved(drawn())),
        ("image/jpeg", "IMG_2.jpg", saved(drawn("https://second.test/"), "JPEG")),
    )
    result = open_submission(data, cover=True)
    assert verdicts(result) == ["report"] and result.found[0].format == "screenshot"
    claims = result.found[0].claims
    assert claims.note == "This came today." and claims.reported_uri == (PAGE, "https://second.test/")
    assert [value.split()[0] for _, value in claims.extra] == ["IMG_1.png", "IMG_2.jpg"]
    assert "2 pictures." in result.found[0].says


@pytest.mark.parametrize(
    ("parts", "head"),
    [
        (
            [("text/html", "", b'<a href="http://x.test/"><img src="cid:1"></a>'), ("image/png", "", saved(drawn()))],
            b"",
        ),
        ([("text/plain", "", b"x" * 2001), ("image/png", "", saved(drawn()))], b""),
        ([("text/plain", "", b"Best wishes"), ("image/png", "logo.png", saved(drawn(size=(90, 90))))], b""),
        ([("text/plain", "", b"x"), ("image/png", "", saved(drawn()))], b"List-Unsubscribe: <http://x.test/>\n"),
        ([("text/plain", "", b"x"), ("image/png", "", saved(drawn()))], b"Resent-From: ana@isp.example.net\n"),
        (
            [("text/plain", "", b"x"), ("image/png", "", saved(drawn()))],
            b"Received: x\nReturn-Path: <a@deals.example>\n",
        ),
        ([("text/plain", "", b"x"), ("image/png", "", saved(drawn())), ("application/pdf", "a.pdf", b"%PDF")], b""),
    ],
)
def test_a_mail_that_was_passed_on_is_the_message_itself(parts: list, head: bytes) -> None:
    assert [one.format for one in open_submission(mail(*parts, head=HEAD + head), cover=True).found] == ["raw"]


def test_what_our_own_delivery_writes_does_not_count() -> None:
    own = b"Return-Path: <ana@isp.example.net>\nDelivered-To: reports@authority.example\nReceived: from x by y\n"
    data = mail(("text/plain", "", b"x"), ("image/png", "", saved(drawn())), head=own + HEAD)
    assert [one.format for one in open_submission(data, cover=True).found] == ["screenshot"]


def test_a_mail_handed_in_as_a_file_is_the_message_whatever_it_shows() -> None:
    data = mail(("text/plain", "", b"scan me"), ("image/png", "", saved(drawn())))
    assert [one.format for one in open_submission(data).found] == ["raw"]


def test_codes_in_the_pictures_of_a_forward_are_claimed() -> None:
    text = b"---------- Forwarded message ---------\nFrom: a <a@deals.example>\nDate: today\nSubject: pay\n\nscan me\n"
    result = open_submission(mail(("text/plain", "", text), ("image/png", "", saved(drawn()))), cover=True)
    assert [one.format for one in result.found] == ["inline_forward"]
    assert result.found[0].claims.reported_uri == (PAGE,)


def header_only(width: int, height: int) -> bytes:
    """A PNG that promises this size and has next to nothing in it."""
    chunk = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pieces = [(b"IHDR", chunk), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in pieces
    )


@pytest.mark.parametrize(
    ("width", "verdict"), [(4999, "damaged"), (5000, "damaged"), (5001, "limit"), (2_000_000_000, "limit")]
)
def test_pixels_are_counted_in_the_header_one_below_at_and_above(width: int, verdict: str) -> None:
    """What is refused for its size has not been decoded: these pictures would prove damaged."""
    result = open_submission(header_only(width, 8000))
    assert verdicts(result) == [verdict]
    assert ("picture-pixels" in result.limits) is (verdict == "limit")


@pytest.mark.parametrize(("pixels", "problem"), [(350_001, ""), (350_000, ""), (349_999, "limit")])
def test_pixels_of_all_pictures_one_below_at_and_above(pixels: int, problem: str) -> None:
    for desk in (opened.Desk(pixels=pixels), opened.Desk(searched=pixels)):
        assert screenshot.look(saved(drawn()), desk).problem == problem


@pytest.mark.parametrize("count", [screenshot.MOST - 1, screenshot.MOST, screenshot.MOST + 1])
def test_pictures_of_a_mail_one_below_at_and_above(count: int) -> None:
    picture = saved(Image.new("L", (150, 150)))
    result = open_submission(mail(*[("image/png", f"{n}.png", picture) for n in range(count)]), cover=True)
    assert verdicts(result) == ["report"]
    assert len(result.found[0].claims.extra) == min(count, screenshot.MOST)
    assert ("pictures" in result.limits) is (count > screenshot.MOST)
    assert ("1 could not be looked at" in result.found[0].says) is (count > screenshot.MOST)


def test_a_picture_too_large_in_a_mail_does_not_hide_the_persons_words() -> None:
    data = mail(("text/plain", "", b"Look!"), ("image/png", "huge.png", header_only(50_000, 50_000)))
    result = open_submission(data, cover=True)
    assert verdicts(result) == ["report"] and result.limits == ("picture-pixels",)
    assert result.found[0].claims.note == "Look!" and "1 could not be looked at" in result.found[0].says


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (saved(drawn())[:-200], "damaged"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "not-fully-examined"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(100), "not-fully-examined"),
        (b"BM, here is what I got\n", "not-a-report"),
    ],
)
def test_what_can_not_be_read_says_so(data: bytes, verdict: str) -> None:
    found = open_submission(data).found
    assert [one.verdict for one in found] == [verdict] and found[0].says


def test_hostile_bytes_give_a_verdict_and_never_an_exception() -> None:
    chance, seen = random.Random(20261124), set()
    kinds = ("PNG", "JPEG", "GIF", "WebP", "BMP", "TIFF")
    whole = [saved(drawn(size=(250, 300)), kind) for kind in kinds]
    for number in range(600):
        data = bytearray(whole[number % len(whole)])
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(12, min(len(data), 400))] = chance.randrange(256)
        result = open_submission(bytes(data))
        assert result.found
        seen |= {found.verdict for found in result.found}
    assert {"damaged", "report"} <= seen
