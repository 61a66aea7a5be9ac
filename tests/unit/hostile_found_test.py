"""What fuzzing found, mended: each here by an input of our own of the same shape."""

import io
import struct
import zipfile

from intake.formats import open_submission
from intake.message import derive
from tests.cfb import outlook_message

MAIL = b"From: a@a.example\nSubject: x\n\nbody\n"


def test_a_zip_entry_without_a_name_costs_no_other_entry() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x", MAIL)
        archive.writestr("a.eml", MAIL)
    data = out.getvalue()
    place = data.find(b"PK\x01\x02")
    nameless = data[:place] + data[place : place + 28] + b"\0\0" + data[place + 30 : place + 46] + data[place + 47 :]
    end = nameless.rfind(b"PK\x05\x06")
    (size,) = struct.unpack_from("<I", nameless, end + 12)
    nameless = nameless[: end + 12] + struct.pack("<I", size - 1) + nameless[end + 16 :]
    assert "report" in [found.verdict for found in open_submission(nameless, "a.zip").found]


def test_a_wrapped_link_whose_escapes_are_no_utf8_is_unwrapped() -> None:
    wrapper = b"https://eur01.safelinks.protection.outlook.com/?data=%ef&url=https%3A%2F%2Fa.example%2F%efx&reserved=0"
    links = derive(b"From: a@a.example\nContent-Type: text/html\n\n<a href='" + wrapper + b"'>x</a>").links
    assert [link.host for link in links] == ["eur01.safelinks.protection.outlook.com", "a.example"]
    assert links[1].flags == ("unwrapped-safelinks",)


def test_an_outlook_item_that_counts_more_tables_than_it_has_is_damaged() -> None:
    whole = outlook_message({0x001A: "IPM.Note", 0x1000: "x"}, {0x3003: "a@example.net"})
    assert [found.verdict for found in open_submission(whole, "a.msg").found] == ["report"]
    for at in (44, 64, 72):
        data = bytearray(whole)
        struct.pack_into("<I", data, at, len(data) // 512 + 1)
        assert [found.verdict for found in open_submission(bytes(data), "a.msg").found] == ["damaged"]


def test_an_outlook_item_whose_streams_are_said_to_be_larger_than_it_is_damaged() -> None:
    whole = outlook_message({0x001A: "IPM.Note", 0x1000: "x"}, {0x3003: "a@example.net"})
    root = whole.find("Root Entry".encode("utf-16-le"))
    data = bytearray(whole)
    struct.pack_into("<I", data, root + 120, 2 * len(data) + 1)
    (found,) = open_submission(bytes(data), "a.msg").found
    assert (found.verdict, found.says) == ("damaged", "An Outlook item that can't be read (ValueError).")
