"""More fuzz targets: files of reports and lists, and what is read at the doors beside mail. As `targets.py`."""

from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

from intake import smtp_proxy, strict
from intake.formats import open_trapped
from intake.record import canonical
from intake.smtp_sasl import Exchange
from tests.fuzz import targets
from tests.fuzz.targets import Target, mails, opened
from tests.rar import encrypted, rar
from tests.tnef import file, tnef
from tests.unit.formats_rows_test import bundle, indicator, workbook
from tests.unit.formats_screenshot_test import drawn, saved
from tests.unit.formats_sealed_test import enveloped, opaque

MAIL = b"From: a@a.example\nSubject: x\n\nbody\n"
TABLE = [["ip", "time", "count"], ["192.0.2.1", "2026-11-23T10:00:00Z", 3], ["a.example", "23.11.2026 10:00", "x"]]
CSV = "\r\n".join(";".join(map(str, row)) for row in TABLE)
PATTERN = "[ipv4-addr:value = '192.0.2.1' OR (domain-name:value = 'a.example' AND url:value = 'http://a.example/')]"


def named(filename: str) -> Callable[[bytes], None]:
    """What is done with a file of that name."""
    return lambda data: opened(data, filename, cover=False)


def trapped(data: bytes) -> None:
    """Something is always found, and all of it inside the bytes."""
    found = open_trapped(data).found
    assert found and all(0 <= each.start <= each.end for each in found)


def dry_run(data: bytes) -> None:
    """Objections end, and can be answered."""
    for name in ("a.eml", "a.json", "a.csv"):
        canonical(strict.examine(data, name))


def proxy(data: bytes) -> None:
    """A header, or that it is none, or that more of it must come; cut anywhere it is read as late as whole."""
    for end in (len(data) // 2, len(data)):
        with suppress(smtp_proxy.Bad):
            found = smtp_proxy.read(data[:end])
            assert found is None or found[1] <= end


def logins(data: bytes) -> None:
    """Each response has a challenge, credentials, or an error that is the client's."""
    for mechanism in ("PLAIN", "LOGIN"):
        exchange = Exchange(mechanism)
        with suppress(ValueError):
            for response in data.split(b"\n")[:4]:
                exchange.take(response)


def tables() -> list[bytes]:
    return [
        CSV.encode(),
        CSV.encode("utf-16"),
        b"\xef\xbb\xbf" + CSV.replace(";", ",").encode(),
        b"192.0.2.1\na.example\n",
    ]


def documents() -> list[bytes]:
    rows = b'[{"ip": "192.0.2.1", "time": "2026-11-23T10:00:00Z", "count": 2}, {"domain": "a.example"}]'
    return [
        rows,
        rows.replace(b"}, {", b"}\n{").strip(b"[]"),
        bundle(indicator(PATTERN)),
        b'["192.0.2.1", "a.example"]',
    ]


def pictures() -> list[bytes]:
    small = drawn().resize((120, 160))
    return [saved(small, kind) for kind in ("PNG", "GIF", "WEBP", "JPEG", "BMP", "TIFF")]


def sealed() -> list[bytes]:
    return [opaque(MAIL), enveloped(MAIL), b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n=AAAA\n-----END PGP MESSAGE-----\n"]


def proxies() -> list[bytes]:
    second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\0\x19\0\x1a"
    return [b"PROXY TCP4 192.0.2.1 192.0.2.2 25 26\r\nEHLO x\r\n", b"PROXY UNKNOWN\r\n", second]


def responses() -> list[bytes]:
    return [b64encode(b"\0me\0secret"), b64encode(b"me") + b"\n" + b64encode(b"secret"), b"*"]


def packed() -> list[bytes]:
    return [rar([("a.eml", MAIL), ("b/c.eml", MAIL)]), encrypted(), *targets.archives()]


MORE: dict[str, Target] = {
    "csv": Target(named("a.csv"), tables),
    "xlsx": Target(named("a.xlsx"), lambda: [workbook(a=TABLE, b=[["domain"], ["a.example"]])]),
    "json-rows": Target(named("a.json"), documents),
    "winmail": Target(named("winmail.dat"), lambda: [tnef({0x1000: "text", 0x0037: "x"}, [file("a.eml", MAIL)])]),
    "picture": Target(named("a.png"), pictures),
    "sealed": Target(named("smime.p7m"), sealed),
    "packed": Target(named("a.rar"), packed),
    "bounce": Target(opened, mails("formats")),
    "trapped": Target(trapped, mails("formats")),
    "dry-run": Target(dry_run, lambda: [*mails("formats")()[:40], *targets.xarf_reports(), *tables()]),
    "proxy": Target(proxy, proxies),
    "logins": Target(logins, responses),
}  # fmt: skip
EVERY = targets.TARGETS | MORE
