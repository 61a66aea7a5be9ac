"""Disclosure: no form of a reporter's identity leaves, the rest stays byte for byte, and doubt withholds everything."""

import base64
import hashlib
import quopri
from datetime import timedelta
from urllib.parse import quote

import pytest

from enrichment.examination import Examination
from intake.message import Address, Message
from intake.record import Cite, sha256
from intake.report import Claims, Reporter
from referral.contact import demo_contact
from referral.disclosure import Consent, Copy, identifiers, redacted, refused, same_outside
from referral.evidence import prepare
from referral.identity import Identifiers, blocks, leaks, merged, spans, unwrap
from tests.referral_house import NOW, FakeArchive, add_report, leaves, mail, weighed
from tests.soon import quickest

ADDRESS = "Maria.Lopez+shop@mail.example"
PLAIN = "maria.lopez@mail.example"
TOKEN = base64.b64encode(b"id=7&who=" + ADDRESS.encode()).decode()
FORMS = {
    "address": ADDRESS,
    "lower case": ADDRESS.lower(),
    "without tag": PLAIN,
    "local part": "maria.lopez",
    "verp": "bounce-7-maria.lopez=mail.example@list.test",
    "verp of the tag": "bounce+Maria.Lopez+shop=mail.example@list.test",
    "percent": quote(ADDRESS),
    "percent of every sign": "".join(f"%{byte:02x}" for byte in PLAIN.encode()),
    "entities": "".join(f"&#{ord(sign)};" for sign in PLAIN),
    "hex entities": "".join(f"&#x{ord(sign):x};" for sign in PLAIN),
    "script escapes": "".join(f"\\x{ord(sign):02x}" for sign in PLAIN),
    "base64": base64.b64encode(ADDRESS.encode()).decode(),
    "base64 shifted": base64.b64encode(b"x" + ADDRESS.encode()).decode(),
    "base64 shifted twice": base64.b64encode(b"xy" + ADDRESS.encode() + b"zzz").decode(),
    "base64 in a link": f"https://track.test/c/{TOKEN.rstrip('=')}/open",
    "base64 for urls": base64.urlsafe_b64encode(b"~~~???" + PLAIN.encode()).decode(),
    "encoded word": f"=?utf-8?B?{base64.b64encode(b'Hola Maria Lopez').decode()}?=",
    "q word": "=?utf-8?Q?Hola=20maria=2Elopez=40mail=2Eexample?=",
    "quoted-printable": "".join(f"={byte:02X}" for byte in PLAIN.encode()),
    "soft line break": "maria.lo=\r\npez=40mail.ex=\r\nample",
    "md5": hashlib.md5(PLAIN.encode()).hexdigest(),
    "sha1": hashlib.sha1(ADDRESS.encode()).hexdigest(),
    "sha256": hashlib.sha256(PLAIN.encode()).hexdigest().upper(),
    "hexadecimal": PLAIN.encode().hex(),
    "utf-7": "maria.lopez+AEA-mail.example",
    "spelled out": "maria.lopez [at] mail.example".replace(" ", ""),
    "name": "Dear MARIA LOPEZ,",
    "first name": "Hola Maria!",
}


def examined(data: bytes, limits: tuple[str, ...] = (), name: str = "Maria Lopez") -> Examination:
    digest = sha256(data)
    to = (Address(name=name, address=ADDRESS, cite=Cite(of=digest)),)
    message = Message(sha256=digest, size=len(data), to=to, leaves=leaves(data), limits=limits)
    return Examination(report="r", submission="s", round=1, at=NOW, message=message)


def known(data: bytes) -> Identifiers:
    return identifiers(Reporter(id="x", address=PLAIN), examined(data), Claims(), data)


def copy_of(data: bytes) -> Copy:
    return redacted(data, examined(data), known(data))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_planted_form_is_withheld_and_the_rest_stays(form: str) -> None:
    data = (
        f"From: a@list.test\r\nX-A: before {form} after\r\n\r\nbefore\r\n{form}\r\nafter bank-login.test\r\n".encode()
    )
    copy = copy_of(data)
    assert copy.reason == ""
    assert form.encode() not in copy.data
    assert b"from: a@list.test\r\n" in copy.data.lower() and b"after bank-login.test\r\n" in copy.data
    assert leaks(copy.data, known(data)) == ()
    assert same_outside(data, copy.data, copy.cuts)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("coding", ["base64", "quoted-printable", "twice"])
def test_a_form_inside_an_encoded_part_is_withheld(form: str, coding: str) -> None:
    inner = f"<p>Hello, {form} - read this.</p> Wire the money now.".encode() * 2
    encode = {
        "base64": base64.encodebytes,
        "quoted-printable": quopri.encodestring,
        "twice": lambda data: base64.encodebytes(b"X: y\n\n" + base64.encodebytes(data)),
    }[coding]
    data = b"From: a@list.test\r\n\r\n" + encode(inner).replace(b"\n", b"\r\n") + b"\r\nthe end, really\r\n"
    copy = copy_of(data)
    assert copy.reason == "" and copy.cuts
    assert copy.data.endswith(b"\r\nthe end, really\r\n")
    assert form.encode() not in decoded(copy.data)
    assert leaks(copy.data, known(data)) == ()
    assert same_outside(data, copy.data, copy.cuts)


def decoded(data: bytes) -> bytes:
    pieces = [data, quopri.decodestring(data)]
    for start, end in blocks(data):
        inner = unwrap(data[start:end])
        pieces += [inner, *(unwrap(inner[a:b]) for a, b in blocks(inner))]
    return b"\n".join(pieces)


def test_recipient_fields_go_even_where_the_address_is_another_one() -> None:
    data = (
        b"Received: from x.test by mx.example\r\n for <alias@other.example>; Wed, 18 Nov 2026 08:00:00 +0000\r\n"
        b"Delivered-To: alias@other.example\r\nTo: Someone <alias@other.example>,\r\n second@other.example\r\n"
        b"X-Original-To: alias@other.example\r\nList-Unsubscribe: <https://list.test/u/98127391273>\r\n"
        b"From: a@list.test\r\n\r\n> To: forwarded@other.example\r\nVisit https://list.test/p?id=98127391273#x now\r\n"
    )
    copy = copy_of(data)
    assert b"other.example" not in copy.data and b"98127391273" not in copy.data
    assert b"from x.test by mx.example" in copy.data and b"https://list.test/p?" in copy.data
    assert b"Wed, 18 Nov 2026 08:00:00 +0000" in copy.data
    assert same_outside(data, copy.data, copy.cuts)


def test_an_attachment_that_is_no_text_is_withheld_with_its_digest() -> None:
    code = base64.encodebytes(b"%PDF-1.7 Dear Maria Lopez in a font of its own" * 9).replace(b"\n", b"\r\n")
    data = b"From: a@list.test\r\n\r\n--b\r\n\r\n" + code.strip() + b"\r\n--b--\r\n"
    copy = copy_of(data)
    assert b"[withheld attachment application/pdf sha256 cccc" in copy.data
    assert copy.data.endswith(b"\r\n--b--\r\n") and b"JVBER" not in copy.data


def test_doubt_withholds_the_message() -> None:
    data = mail(PLAIN, "Hello")
    assert redacted(data, examined(data, limits=("parts",)), known(data)).reason == "the message is not fully examined"
    assert redacted(data + b"x", examined(data), known(data)).reason == "the examination is of other bytes"
    crowd = b"To: " + b", ".join(b"u%d@mail.example" % number for number in range(150)) + b"\r\n\r\nHi\r\n"
    assert redacted(crowd, examined(crowd), known(crowd)).reason == "the message has too many recipients to be searched"


def test_short_and_common_local_parts_do_not_tear_words_apart() -> None:
    ids = Identifiers(["ann@mail.example", "info@mail.example"])
    assert ids.scrub("The announcement has information for ann.") == "The announcement has information for [withheld]."
    assert ids.scrub("Write to info@mail.example!") == "Write to [withheld]!"
    own = Identifiers(["reporter@mail.example"])
    assert own.in_our_words().scrub("3 distinct reporters") == "3 distinct reporters"
    assert leaks(b"3 distinct reporters", own.certain()) == ()
    assert leaks(b"reporter=mail.example", own.certain()) == ("verp",)


def test_names_in_other_scripts_are_found_in_their_charsets() -> None:
    data = "From: a@list.test\r\n\r\n親愛的王小明先生，您好\r\n".encode("big5")
    message = examined(data, name="王小明")
    copy = redacted(data, message, identifiers(Reporter(id="x", address=PLAIN), message, Claims(), data))
    assert "王小明".encode("big5") not in copy.data and "您好".encode("big5") in copy.data


def test_spans_are_joined_where_they_overlap() -> None:
    found = spans(b"x maria.lopez@mail.example y", Identifiers([PLAIN]))
    assert [(each.start, each.end) for each in found] == [(2, 26)]
    assert merged([]) == []


@pytest.mark.parametrize("line", [b"=" * 60, b"%41" * 20, b"&#" * 30, b"://?" * 15, b"QUJD" * 18, b"a@" * 30, b"To: x"])
def test_time_grows_with_the_size_and_no_faster(line: bytes) -> None:
    def seconds(size: int) -> float:
        data = b"From: a@list.test\r\n\r\n" + (line + b"\r\n") * (size // (len(line) + 2))
        return quickest(lambda: redacted(data, examined(data), Identifiers([PLAIN], ["Maria Lopez"])))

    seconds(10_000)
    small, large = seconds(60_000), seconds(600_000)
    assert large < max(small, 0.005) * 30


def test_an_original_leaves_only_with_the_consent_of_all_who_sent_these_bytes() -> None:
    archive = FakeArchive()
    data = mail("a@mail.example", "Hello")
    one = add_report(archive, 1, "a@mail.example", data)
    two = add_report(archive, 2, "bob.smith@mail.example", data)
    dossier = weighed([one, two])
    archive.keep(Consent(reporter=one.reporter, at=NOW, how="form 7"))
    assert [each.exhibit.form for each in prepare(archive, dossier, False)] == ["redacted", "redacted"]
    archive.keep(Consent(reporter=two.reporter, at=NOW + timedelta(1), how="form 7"))
    agreed = prepare(archive, dossier, False)
    assert [(each.exhibit.form, each.exhibit.mark) for each in agreed] == [("original", "TLP:AMBER+STRICT")] * 2
    assert agreed[0].data == data and agreed[0].exhibit.sha256 == sha256(data)


def test_consent_of_one_does_not_give_away_another() -> None:
    archive = FakeArchive()
    one = add_report(archive, 1, "isp@mail.example", mail("isp@mail.example", "Also to olga.k@post.example"), "isp")
    two = add_report(archive, 2, "olga.k@post.example", mail("olga.k@post.example", "Hello"))
    archive.keep(Consent(reporter=one.reporter, at=NOW, how="standing agreement"))
    assert [each.exhibit.form for each in prepare(archive, weighed([one, two]), False)] == ["redacted", "redacted"]


def test_asking_for_originals_marks_them_red() -> None:
    archive = FakeArchive()
    one = add_report(archive, 1, PLAIN, mail(PLAIN, "Hello"))
    (exhibit,) = prepare(archive, weighed([one]), True)
    assert (exhibit.exhibit.form, exhibit.exhibit.mark) == ("original", "TLP:RED")
    contact = demo_contact("NL", NOW)
    assert "named recipients" in refused("TLP:RED", contact, include_originals=False)
    assert refused("TLP:RED", contact, include_originals=True) == ""
    assert "no handling mark" in refused("TLP:WHITE", contact, include_originals=True)


def test_a_redacted_exhibit_tells_no_digest_of_its_original() -> None:
    archive = FakeArchive()
    one = add_report(archive, 1, PLAIN, mail(PLAIN, "Hello"))
    (made,) = prepare(archive, weighed([one]), False)
    assert made.exhibit.sha256 == sha256(made.data) != one.sha256
    assert one.sha256 not in repr(made.exhibit)
